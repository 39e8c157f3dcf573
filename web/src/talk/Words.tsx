import { Globe, TriangleAlert } from "lucide-preact";
import { files as t } from "./files.texts";

const LINK = /\bhttps?:\/\/[^\s<>"'，。！？、；：（）【】《》]+/g;
const TRAILING = /[.,!?;:)\]]+$/;

/** A text with its links, which say where they lead; `sought` is marked in it. */
export function Words({ text, sought = "" }: { text: string; sought?: string }) {
  const parts: preact.ComponentChildren[] = [];
  let from = 0;
  let first: URL | null = null;
  for (const match of text.matchAll(LINK)) {
    const address = match[0].replace(TRAILING, "");
    const url = read(address);
    if (!url) continue;
    first ??= url;
    parts.push(
      <Marked text={text.slice(from, match.index)} sought={sought} />,
      <a href={address} target="_blank" rel="noopener noreferrer nofollow" title={address}>
        {shortened(url)}
      </a>,
    );
    from = match.index + address.length;
  }
  return (
    <>
      {first && first.host !== location.host && <Site url={first} />}
      <p class="talk-words">
        <span>
          {parts}
          <Marked text={text.slice(from)} sought={sought} />
        </span>
      </p>
    </>
  );
}

function Marked({ text, sought }: { text: string; sought: string }) {
  const parts = sought ? text.split(sought) : [text];
  return <>{parts.map((part, i) => (i ? [<mark key={part}>{sought}</mark>, part] : part))}</>;
}

/** Where the link leads, by its host alone: nothing is asked of a page that nobody has chosen to visit. */
function Site({ url }: { url: URL }) {
  const isOpen = url.protocol === "http:";
  const Icon = isOpen ? TriangleAlert : Globe;
  return (
    <a class="talk-site" href={url.href} target="_blank" rel="noopener noreferrer nofollow">
      <Icon size={22} aria-hidden="true" />
      <span>
        <strong>{url.host}</strong>
        <small>{t(isOpen ? "other_site_open" : "other_site")}</small>
      </span>
    </a>
  );
}

function read(address: string): URL | null {
  try {
    return new URL(address);
  } catch {
    return null;
  }
}

/** The host stays whole, and as the network sees it: it is what one must read before following a link. */
function shortened(url: URL): string {
  const rest = `${url.pathname}${url.search}${url.hash}`;
  return url.host + (rest.length > 28 ? `${rest.slice(0, 26)}…` : rest === "/" ? "" : rest);
}

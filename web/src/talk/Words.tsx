import { Globe, TriangleAlert } from "lucide-preact";
import { files as t } from "./files.texts";

const LINK = /\bhttps?:\/\/[^\s<>"'，。！？、；：（）【】《》]+/g;
const TRAILING = /[.,!?;:)\]]+$/;

/** A text with its links, which say where they lead. */
export function Words({ text }: { text: string }) {
  const parts: preact.ComponentChildren[] = [];
  let from = 0;
  let first: URL | null = null;
  for (const match of text.matchAll(LINK)) {
    const address = match[0].replace(TRAILING, "");
    const url = read(address);
    if (!url) continue;
    first ??= url;
    parts.push(
      text.slice(from, match.index),
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
        {parts}
        {text.slice(from)}
      </p>
    </>
  );
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

const LINK = /\bhttps?:\/\/[^\s<>"'，。！？、；：（）【】《》]+/g;
const TRAILING = /[.,!?;:)\]]+$/;

/** A text with its links, which say where they lead. */
export function Words({ text }: { text: string }) {
  const parts: preact.ComponentChildren[] = [];
  let from = 0;
  for (const match of text.matchAll(LINK)) {
    const address = match[0].replace(TRAILING, "");
    const host = hostOf(address);
    if (!host) continue;
    parts.push(
      text.slice(from, match.index),
      <a href={address} target="_blank" rel="noopener noreferrer nofollow" title={address}>
        {shortened(address, host)}
      </a>,
    );
    from = match.index + address.length;
  }
  return (
    <p class="talk-words">
      {parts}
      {text.slice(from)}
    </p>
  );
}

function hostOf(address: string): string | null {
  try {
    return new URL(address).host;
  } catch {
    return null;
  }
}

/** The host stays whole: it is what one must read before following a link. */
function shortened(address: string, host: string): string {
  const rest = address.slice(address.indexOf(host) + host.length);
  return host + (rest.length > 28 ? `${rest.slice(0, 26)}…` : rest === "/" ? "" : rest);
}

const MOST_SAID = 4000; // of one message, as `domain.bodies.Said`
const SURROGATES = /[\ud800-\udbff]$/;

/** A text as the messages that carry it: one, or several, cut where a line or at least a word ends. */
export function parts(text: string): string[] {
  const cut: string[] = [];
  let rest = text;
  while (rest.length > MOST_SAID) {
    const room = rest.slice(0, MOST_SAID).replace(SURROGATES, "");
    const end = ["\n", " "].map((gap) => room.lastIndexOf(gap)).find((at) => at > MOST_SAID / 2) ?? room.length;
    cut.push(rest.slice(0, end).trim());
    rest = rest.slice(end).trim();
  }
  return [...cut, rest].filter(Boolean);
}

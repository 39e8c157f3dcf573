/** At once and not with the next paint: the next letter may come before it, and would be placed by the former text. */
export function writeInto(field: HTMLTextAreaElement, text: string, caret = text.length) {
  field.value = text;
  field.focus();
  field.setSelectionRange(caret, caret);
}

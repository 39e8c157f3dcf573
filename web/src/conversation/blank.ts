// Controls, joiners, marks of direction, spaces; what is drawn as nothing: fillers, selectors, a blank braille cell.
const NOTHING_TO_SEE = /^[\p{Cc}\p{Cf}\p{Z}\p{Default_Ignorable_Code_Point}\u2800]*$/u;

/** What was written, without the space around it; "" when nobody would see anything of it. As `domain.bodies.is_blank`. */
export function visible(text: string): string {
  return NOTHING_TO_SEE.test(text) ? "" : text.trim();
}

import { translator } from "./language";
import { en } from "./staff.en";
import { zh } from "./staff.zh";

export { en, zh };
/** The texts of the staff's pages. English names of controls are those that tests from outside look for. */
export const staff = translator(en, zh);

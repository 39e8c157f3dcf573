import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { StaffHouse } from "../state/staffHouse";

export const StaffContext = createContext<StaffHouse | null>(null);

/** The house of whoever is signed in. Only for components below `StaffContext`. */
export function useStaff(): StaffHouse {
  const house = useContext(StaffContext);
  if (!house) throw new Error("Nobody is signed in here.");
  return house;
}

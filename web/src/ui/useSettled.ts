import { useEffect, useState } from "preact/hooks";
import { FIRST_PICTURE_MS } from "../rtc/connection";

/** True a moment after `active`: what can wait leaves the first picture of a call the whole machine. */
export function useSettled(active: boolean): boolean {
  const [settled, setSettled] = useState(false);
  useEffect(() => {
    const timer = setTimeout(setSettled, active ? FIRST_PICTURE_MS : 0, active);
    return () => clearTimeout(timer);
  }, [active]);
  return settled;
}

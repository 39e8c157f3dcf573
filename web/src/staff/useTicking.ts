import { useEffect, useState } from "preact/hooks";
import { useStaff } from "./staffContext";

/** Seconds since `from` on the server's clock, ticking; null while there is nothing to count from. */
export function useSecondsSince(from: string | null | undefined): number | null {
  const { session } = useStaff();
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!from) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [from]);
  return from ? Math.max(0, (now + session.skewMs.value - Date.parse(from)) / 1000) : null;
}

import { useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { staff } from "../i18n/staff.texts";
import { FIRST_PICTURE_MS } from "../rtc/connection";
import { checkSound, chime, unlockSound } from "./chime";
import { useStaff } from "./staffContext";

/** Tells that somebody has come: a bell, the title of the tab, and words for a screen reader. */
export function ArrivalCue() {
  const { desk, deeds, session } = useStaff();
  const rung = useRef(0);
  const { count, name } = desk.arrival.value;

  useEffect(() => {
    void checkSound();
    const unlock = () => void unlockSound();
    addEventListener("pointerup", unlock, { passive: true });
    addEventListener("keydown", unlock);
    return () => {
      removeEventListener("pointerup", unlock);
      removeEventListener("keydown", unlock);
    };
  }, []);

  useSignalEffect(() => {
    const arrival = desk.arrival.value;
    if (arrival.count === rung.current) return;
    rung.current = arrival.count;
    if (desk.available.peek() && !deeds.inCall.peek()) {
      chime();
      navigator.vibrate?.([120, 80, 120]);
    }
  });

  useSignalEffect(() => {
    const waiting = desk.line.value?.waiting.length ?? 0;
    const call = session.call.value;
    const place = deeds.inCall.value && call ? call.customer_name : staff("product");
    const title = waiting ? `(${waiting}) ${place}` : place;
    const timer = setTimeout(() => {
      document.title = title; // the browser draws its own window anew for it
    }, FIRST_PICTURE_MS);
    return () => clearTimeout(timer);
  });

  return (
    <div class="unseen" role="status" aria-live="assertive">
      {count > 0 ? staff("arrived", { name }) : ""}
    </div>
  );
}

import { useEffect, useLayoutEffect, useState } from "preact/hooks";
import "./call.css";
import { useInbox } from "../inbox/inboxContext";
import { useMatches } from "../ui/useMatches";
import { BookingDialog } from "./BookingDialog";
import { CallPanel } from "./CallPanel";
import { CallRail, type Opens } from "./CallRail";
import { CallStage } from "./CallStage";
import { CallTop } from "./CallTop";
import { ColleagueDialog } from "./ColleagueDialog";
import { useStaff } from "./staffContext";

const WIDE_ENOUGH = "(min-width: 900px)";
/** The call: the customer's picture as large as it can be, tools at the right-hand edge, words at the left. */
export function CallRoom({ active, settled }: { active: boolean; settled: boolean }) {
  const { deeds, pages } = useStaff();
  const isWide = useMatches(WIDE_ENOUGH);
  const [panel, setPanel] = useState(isWide);
  const [drawing, setDrawing] = useState(false);
  const [open, setOpen] = useState<Opens | null>(null);
  const held = deeds.held.value;
  const inbox = useInbox();
  const customer = deeds.customer.value?.id;
  const talk = settled && customer ? inbox.talk(customer, "call") : null; // nothing is built while the picture comes
  useEffect(() => inbox.start(), [inbox]);
  useLayoutEffect(() => setPanel(isWide), [isWide]); // a tablet that is turned gets what fits its new shape

  useEffect(() => {
    if (active && pages.page.peek().name !== "desk") pages.go({ name: "desk" });
  }, [active, pages]);
  useLayoutEffect(() => {
    if (held) setDrawing(false);
  }, [held]);
  useShortcuts(setDrawing);

  return (
    <div
      class={`room call${panel ? " with-panel" : ""}${active ? "" : " offstage"}`}
      inert={!settled}
      aria-hidden={!settled}
    >
      <CallTop panel={panel} unread={talk?.unread.value ?? 0} onPanel={() => setPanel(!panel)} />
      {panel && <CallPanel talk={talk} onClose={() => setPanel(false)} />}
      <CallStage active={active} settled={settled} drawing={drawing} onDrawingDone={() => setDrawing(false)} />
      <CallRail drawing={drawing} onDrawing={() => setDrawing(!drawing)} onOpen={setOpen} />
      {open === "booking" && <BookingDialog onClose={() => setOpen(null)} />}
      {(open === "invite" || open === "handover") && (
        <ColleagueDialog handover={open === "handover"} onClose={() => setOpen(null)} />
      )}
    </div>
  );
}

/** Space takes a picture, F freezes, D draws, M mutes: for a keyboard on the counter. Not while writing. */
function useShortcuts(setDrawing: (change: (on: boolean) => boolean) => void) {
  const { deeds, camera, session } = useStaff();
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const at = event.target as HTMLElement | null;
      if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
      if (at?.closest("input, textarea, select, button, a, [role=dialog], [contenteditable]")) return;
      if (session.call.peek()?.state !== "live") return;
      const key = event.key.toLowerCase();
      if (key === " ") void deeds.snapshot();
      else if (key === "f") deeds.set("frozen", !deeds.frozen.peek());
      else if (key === "d") setDrawing((on) => !on);
      else if (key === "m") camera.mute(!camera.muted.peek());
      else return;
      event.preventDefault();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [deeds, camera, session, setDrawing]);
}

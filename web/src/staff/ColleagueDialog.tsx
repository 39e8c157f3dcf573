import { shared } from "../i18n/shared.texts";
import { staff } from "../i18n/staff.texts";
import { Dialog } from "../ui/controls";
import { useStaff } from "./staffContext";

/** Whom to call in, or who carries on. */
export function ColleagueDialog({ handover, onClose }: { handover: boolean; onClose: () => void }) {
  const { desk, deeds, session, me, notices } = useStaff();
  const inside = new Set(
    [...(session.call.value?.people ?? []), ...(session.call.value?.invited ?? [])].map((one) => one.id),
  );
  const colleagues = (desk.line.value?.colleagues ?? []).filter((one) => one.id !== me.staff.id && !inside.has(one.id));
  const free = colleagues.filter((one) => one.available && !one.in_call);
  const choose = async (id: string, name: string) => {
    onClose();
    if (await deeds.invite(id, handover)) notices.tell("good", () => staff("invited", { name }));
  };
  return (
    <Dialog title={staff(handover ? "choose_handover" : "choose_colleague")} onClose={onClose}>
      <p class="muted">{staff(handover ? "handover_hint" : "invite_hint")}</p>
      {free.length === 0 ? (
        <p class="note plain">{staff("nobody_free")}</p>
      ) : (
        <ul class="choices">
          {free.map((one) => (
            <li key={one.id}>
              <button type="button" class="choice" onClick={() => void choose(one.id, one.name)}>
                <span class="face small" aria-hidden="true">
                  {one.name.slice(0, 1).toUpperCase()}
                </span>
                {one.name}
                <span class="mate-state">{staff("state_available")}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
      <button type="button" class="button large" onClick={onClose}>
        {shared("cancel")}
      </button>
    </Dialog>
  );
}

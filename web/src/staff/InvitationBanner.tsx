import { Users } from "lucide-preact";
import { staff } from "../i18n/staff.texts";
import { useStaff } from "./staffContext";

/** A colleague asks for help, or hands a call over. */
export function InvitationBanner() {
  const { desk } = useStaff();
  const asked = desk.invitation.value;
  if (!asked) return null;
  const title = asked.handover ? "handover_title" : "invitation_title";
  return (
    <section
      class="invitation"
      role="alertdialog"
      aria-labelledby="invitation-title"
      aria-describedby="invitation-about"
    >
      <span class="invitation-icon" aria-hidden="true">
        <Users size={26} />
      </span>
      <div class="invitation-words">
        <h2 id="invitation-title">{staff(title, { from: asked.from_name })}</h2>
        <p id="invitation-about">
          {staff("invitation_about", { name: asked.customer_name, matter: asked.matter || staff("no_matter") })}
        </p>
      </div>
      <button type="button" class="button" onClick={() => void desk.replyToInvitation(false)}>
        {staff("decline")}
      </button>
      <button type="button" class="button main" onClick={() => void desk.replyToInvitation(true)}>
        {staff("accept")}
      </button>
    </section>
  );
}

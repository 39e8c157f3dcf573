import { LogOut } from "lucide-preact";
import { language } from "../i18n/language";
import { staff } from "../i18n/staff.texts";
import { useHandOver } from "../inbox/HandOverAll";
import { InboxLink } from "../inbox/InboxLink";
import type { Door } from "../state/staffDoor";
import { LoupeMark } from "./Mark";
import { LanguageSwitch } from "./SignIn";
import { useStaff } from "./staffContext";

export function shopName(shop: { name: string; name_zh: string }): string {
  return language.value === "zh-CN" && shop.name_zh ? shop.name_zh : shop.name;
}

export function DeskTop({ door }: { door: Door }) {
  const { me, session, desk, notices } = useStaff();
  const status = session.status.value;
  const available = desk.available.value;
  const leave = async () => {
    try {
      await door.signOut();
    } catch (error) {
      notices.refuse(error);
    }
  };
  const handOver = useHandOver();
  return (
    <header class="top">
      <span class="top-mark" aria-hidden="true">
        <LoupeMark size={34} />
      </span>
      <div class="top-names">
        <h1>{shopName(me.shop)}</h1>
        <p class="muted">{me.staff.name}</p>
      </div>
      {status !== "open" && (
        <span class="pill warn" role="status">
          <span class="dot" aria-hidden="true" />
          {staff(status === "lost" ? "lost" : "connecting")}
        </span>
      )}
      <InboxLink />
      <div class="top-tools">
        <LanguageSwitch />
        <button
          type="button"
          class="icon-button"
          aria-label={staff("sign_out")}
          title={staff("sign_out")}
          onClick={() => handOver.ask(() => void leave())}
        >
          <LogOut size={22} />
        </button>
      </div>
      <div class={available && status === "open" ? "availability on" : "availability"}>
        <div class="availability-words">
          <span id="available-label">{staff("available")}</span>
          <small id="available-hint">
            {staff(!available ? "unavailable_hint" : status === "open" ? "available_hint" : "unreached_hint")}
          </small>
        </div>
        <button
          type="button"
          class="switch"
          role="switch"
          aria-checked={available}
          aria-labelledby="available-label"
          aria-describedby="available-hint"
          disabled={session.welcome.value === null}
          onClick={() => {
            if (!available) desk.setAvailable(true);
            else handOver.ask(() => desk.setAvailable(false));
          }}
        />
      </div>
      {handOver.question}
    </header>
  );
}

import { Pencil } from "lucide-preact";
import { useEffect, useState } from "preact/hooks";
import { NAMELESS } from "../conversation/fold";
import { date, dayAndTime, duration, money } from "../i18n/format";
import { inboxText as it } from "../i18n/inbox.texts";
import { searchText } from "../i18n/search.texts";
import { shared } from "../i18n/shared.texts";
import { talk as t } from "../i18n/talk.texts";
import type { Profile as Kept, ProfileCard } from "../state/profile";
import { ProfileEdit } from "./ProfileEdit";

/** Who the customer is: the name, what kind of customer, what they like and own. */
export function Profile(props: { card: ProfileCard; name: string; zone: string; erased: boolean }) {
  const { card, name, zone, erased } = props;
  const [edits, edit] = useState(false);
  const page = card.page.value;
  useEffect(() => void card.load(), [card, name]); // a new name was written elsewhere
  const shown = page && page.profile.name !== NAMELESS ? page.profile.name : name;
  return (
    <>
      <div class="inbox-who">
        <span class="face" aria-hidden="true">
          {shown.slice(0, 1).toUpperCase()}
        </span>
        <h2>{shown}</h2>
        {page && <Tags tags={page.profile.tags} />}
        {erased && <p class="muted">{searchText("erased_here")}</p>}
        {page && !erased && (
          <button type="button" class="button small quiet" onClick={() => edit(true)}>
            <Pencil size={16} aria-hidden="true" />
            {it("profile_edit")}
          </button>
        )}
      </div>
      {!page && !card.fault.value && <div class="loading" role="status" aria-label={t("connecting")} />}
      {!page && card.fault.value && (
        <div class="profile-fault" role="alert">
          <p>{it("profile_fault")}</p>
          <button type="button" class="button small" onClick={() => void card.load()}>
            {t("again")}
          </button>
        </div>
      )}
      {page && <Known profile={page.profile} zone={zone} />}
      {edits && page && !erased && <ProfileEdit card={card} profile={page.profile} close={() => edit(false)} />}
    </>
  );
}

function Tags({ tags }: { tags: readonly string[] }) {
  if (!tags.length) return null;
  return (
    <ul class="profile-tags" aria-label={it("tags")}>
      {tags.map((tag) => (
        <li key={tag}>{tag}</li>
      ))}
    </ul>
  );
}

function Known({ profile, zone }: { profile: Kept; zone: string }) {
  return (
    <section class="profile-known" aria-label={it("profile")}>
      <p>
        {it(profile.language === "en" ? "speaks_en" : "speaks_zh")} · {it("since", { day: date(profile.since, zone) })}
      </p>
      {profile.preferences && <p class="profile-likes">{profile.preferences}</p>}
      {profile.items.length > 0 && (
        <>
          <h3>{it("items")}</h3>
          <ul>
            {profile.items.map((item, i) => (
              <li key={i}>
                <strong>{item.name}</strong>
                <span>
                  {[
                    item.material,
                    item.bought_on && it("bought", { day: date(item.bought_on) }),
                    item.care_months && it("care", { n: item.care_months }),
                  ]
                    .filter(Boolean)
                    .join(" · ")}
                </span>
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}

const SHOWN = 5;

/** Appointments and calls, the newest first. */
export function Visits({ card, zone }: { card: ProfileCard; zone: string }) {
  const [all, showAll] = useState(false);
  const { calls = [], bookings = [] } = card.page.value ?? {};
  if (!calls.length && !bookings.length) return null;
  const some = <T,>(list: T[]) => (all ? list : list.slice(0, SHOWN));
  const more = !all && (calls.length > SHOWN || bookings.length > SHOWN);
  return (
    <section class="profile-visits">
      {bookings.length > 0 && <h3>{it("bookings")}</h3>}
      <ul>
        {some(bookings).map((booking) => (
          <li key={booking.id}>
            <strong>{booking.service}</strong>
            <span>
              {dayAndTime(booking.starts_at, zone)} · {money(booking.price, booking.currency)} ·{" "}
              {shared(`booking_${booking.state}`)}
            </span>
          </li>
        ))}
      </ul>
      {calls.length > 0 && <h3>{it("calls")}</h3>}
      <ul>
        {some(calls).map((call) => (
          <li key={call.id}>
            <a href={`/staff/calls/${call.id}`}>{call.matter || t("call_ended")}</a>
            <span>
              {dayAndTime(call.at, zone)} ·{" "}
              {call.state === "ended"
                ? duration(call.seconds)
                : t(call.state === "missed" ? "call_missed" : "call_abandoned")}
            </span>
          </li>
        ))}
      </ul>
      {more && (
        <button type="button" class="button small quiet wide" onClick={() => showAll(true)}>
          {it("show_all")}
        </button>
      )}
    </section>
  );
}

import { Minus, Plus } from "lucide-preact";
import { useId, useMemo, useState } from "preact/hooks";
import { money, minutes as spoken } from "../i18n/format";
import { language } from "../i18n/language";
import { errorText, shared } from "../i18n/shared.texts";
import { staff } from "../i18n/staff.texts";
import { daysAhead, instant, majorUnits, minorUnits, startTimes } from "../state/staffBooking";
import { Dialog } from "../ui/controls";
import type { Service } from "../wire/frames";
import { codeOf } from "../wire/refusal";
import { Chips } from "./Chips";
import { useStaff } from "./staffContext";

const DAYS = 14;
const OTHER = "";

/** A proposal made with a few taps: what, when, how long, how much. */
export function BookingDialog({ onClose }: { onClose: () => void }) {
  const { session, deeds, me, notices } = useStaff();
  const id = useId();
  const welcome = session.welcome.value;
  const services = welcome?.services ?? me.shop.services;
  const zone = welcome?.time_zone ?? me.shop.time_zone;
  const currency = welcome?.currency ?? me.shop.currency;
  const now = useMemo(() => new Date(Date.now() + session.skewMs.peek()), [session]);
  const days = useMemo(() => daysAhead(now, zone, DAYS), [now, zone]);
  const first = days.find((day) => startTimes(day, now, zone).length > 0) ?? days[0] ?? "";

  const [service, setService] = useState(services[0]?.name ?? OTHER);
  const [other, setOther] = useState("");
  const [day, setDay] = useState(first);
  const [time, setTime] = useState(startTimes(first, now, zone)[0] ?? "10:00");
  const [length, setLength] = useState(services[0]?.minutes ?? 30);
  const [price, setPrice] = useState(majorUnits(services[0]?.price ?? 0, currency));
  const [note, setNote] = useState("");
  const [fault, setFault] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  const named = (one: Service) => (language.value === "zh-CN" && one.name_zh ? one.name_zh : one.name);
  const choose = (name: string) => {
    setService(name);
    const found = services.find((one) => one.name === name);
    if (!found) return;
    setLength(found.minutes);
    setPrice(majorUnits(found.price, currency));
  };
  const chooseDay = (next: string) => {
    setDay(next);
    const open = startTimes(next, now, zone);
    if (!open.includes(time)) setTime(open[0] ?? time);
  };
  const dayLabel = (date: string, i: number) => {
    if (i === 0) return staff("today");
    const tag = language.value === "en" ? "en-GB" : "zh-CN";
    const noon = new Date(`${date}T12:00:00Z`);
    return new Intl.DateTimeFormat(tag, { weekday: "short", day: "numeric", month: "short", timeZone: "UTC" }).format(
      noon,
    );
  };

  const send = async (event: SubmitEvent) => {
    event.preventDefault();
    const chosen = services.find((one) => one.name === service);
    const name = (chosen ? named(chosen) : other).trim();
    const units = minorUnits(price, currency);
    const at = instant({ date: day, time }, zone);
    if (!name) return setFault(staff("booking_service_missing"));
    if (units === null) return setFault(staff("booking_price_wrong"));
    if (at.getTime() <= Date.now() + session.skewMs.value) return setFault(staff("booking_time_past"));
    setFault(null);
    setBusy(true);
    try {
      await deeds.propose({
        service: name,
        startsAt: at.toISOString(),
        minutes: length,
        price: units,
        note: note.trim(),
      });
      notices.tell("good", () => staff("booking_sent"));
      onClose();
    } catch (error) {
      setFault(errorText(codeOf(error)));
      setBusy(false);
    }
  };

  const times = startTimes(day, now, zone);
  return (
    <div class="booking-dialog">
      <Dialog title={staff("propose_booking")} onClose={onClose}>
        <form class="booking-form" onSubmit={send}>
          <Chips
            legend={staff("booking_service")}
            name="service"
            value={service}
            options={[
              ...services.map((one) => ({ value: one.name, label: named(one), hint: money(one.price, currency) })),
              { value: OTHER, label: staff("booking_other") },
            ]}
            onChoose={choose}
          />
          {service === OTHER && (
            <div class="field">
              <label for={`${id}-s`}>{staff("booking_service_name")}</label>
              <input
                id={`${id}-s`}
                class="input"
                maxLength={80}
                value={other}
                onInput={(e) => setOther(e.currentTarget.value)}
              />
            </div>
          )}
          <Chips
            legend={staff("booking_day")}
            name="day"
            value={day}
            row
            options={days.map((date, i) => ({ value: date, label: dayLabel(date, i) }))}
            onChoose={chooseDay}
          />
          <Chips
            legend={staff("booking_time")}
            name="time"
            value={time}
            row
            options={times.map((one) => ({ value: one, label: one }))}
            onChoose={setTime}
          >
            <label class="chip-time">
              <span>{staff("booking_other_time")}</span>
              <input
                type="time"
                class="input"
                value={time}
                step={300}
                onInput={(e) => e.currentTarget.value && setTime(e.currentTarget.value)}
              />
            </label>
          </Chips>
          <div class="pair">
            <div class="field">
              <span class="label" id={`${id}-l`}>
                {staff("booking_duration")}
              </span>
              {/* biome-ignore lint/a11y/useSemanticElements: three controls of one value, without a form's frame */}
              <div class="stepper" role="group" aria-labelledby={`${id}-l`}>
                <button
                  type="button"
                  class="icon-button"
                  aria-label={staff("less")}
                  onClick={() => setLength(Math.max(15, length - 15))}
                >
                  <Minus size={22} />
                </button>
                <output aria-live="polite">{spoken(length)}</output>
                <button
                  type="button"
                  class="icon-button"
                  aria-label={staff("more")}
                  onClick={() => setLength(Math.min(1440, length + 15))}
                >
                  <Plus size={22} />
                </button>
              </div>
            </div>
            <div class="field">
              <label for={`${id}-p`}>
                {staff("booking_price")} <span class="muted">· {currency}</span>
              </label>
              <input
                id={`${id}-p`}
                class="input"
                inputMode="decimal"
                autocomplete="off"
                value={price}
                onInput={(e) => setPrice(e.currentTarget.value)}
              />
            </div>
          </div>
          <div class="field">
            <label for={`${id}-n`}>{staff("booking_note")}</label>
            <input
              id={`${id}-n`}
              class="input"
              maxLength={500}
              autocomplete="off"
              value={note}
              onInput={(e) => setNote(e.currentTarget.value)}
            />
          </div>
          <div role="alert" class={fault ? "note bad" : "unseen"}>
            {fault}
          </div>
          <div class="booking-foot">
            <button type="button" class="button large" onClick={onClose}>
              {shared("cancel")}
            </button>
            <button type="submit" class="button main large" disabled={busy}>
              {staff("booking_send")}
            </button>
          </div>
        </form>
      </Dialog>
    </div>
  );
}

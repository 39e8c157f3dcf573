import { type ReadonlySignal, signal } from "@preact/signals";
import type { Booking } from "../wire/frames";
import { http } from "../wire/http";
import { codeOf } from "../wire/refusal";

export interface Item {
  name: string;
  material: string;
  bought_on: string | null;
  care_months: number | null;
}

/** What staff may change of a customer. */
export interface ProfileFields {
  name: string;
  language: "en" | "zh-CN";
  tags: string[];
  preferences: string;
  items: Item[];
}

/** domain.profile.Profile as HTTP gives it. */
export interface Profile extends ProfileFields {
  since: string;
  version: number;
  changed_at: string | null;
  changed_by: string | null;
}

export interface Visit {
  id: string;
  state: string;
  matter: string;
  at: string;
  seconds: number;
}

export interface CustomerPage {
  profile: Profile;
  calls: Visit[];
  bookings: Booking[];
}

/** The customer beside the conversation. */
export interface ProfileCard {
  readonly page: ReadonlySignal<CustomerPage | null>;
  /** Why it could not be loaded, as an error code. */
  readonly fault: ReadonlySignal<string | null>;
  load(): Promise<void>;
  /** Sends what differs from `base`. When a colleague was first it resolves with what is kept now; else with null.
   * Throws a Refusal for anything else. */
  save(base: Profile, wanted: ProfileFields): Promise<Profile | null>;
}

const FIELDS = ["name", "language", "tags", "preferences", "items"] as const;
const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

export function changes(base: ProfileFields, wanted: ProfileFields): Partial<ProfileFields> {
  return Object.fromEntries(FIELDS.filter((f) => !same(base[f], wanted[f])).map((f) => [f, wanted[f]]));
}

/** What a colleague wrote meanwhile, with what was changed here on top. */
export function merged(base: ProfileFields, wanted: ProfileFields, now: ProfileFields): ProfileFields {
  const { name, language, tags, preferences, items } = now;
  return { name, language, tags, preferences, items, ...changes(base, wanted) };
}

export function openProfile(customer: string): ProfileCard {
  const page = signal<CustomerPage | null>(null);
  const fault = signal<string | null>(null);
  const path = `/api/customers/${customer}/profile`;
  async function load(): Promise<void> {
    try {
      page.value = await http<CustomerPage>(path);
      fault.value = null;
    } catch (error) {
      fault.value = codeOf(error);
    }
  }
  return {
    page,
    fault,
    load,
    async save(base, wanted) {
      const body = { version: base.version, ...changes(base, wanted) };
      try {
        const profile = await http<Profile>(path, { body });
        if (page.value) page.value = { ...page.value, profile };
        return null;
      } catch (error) {
        if (codeOf(error) !== "stale") throw error;
        await load();
        if (!page.value || page.value.profile.version === base.version) throw error;
        return page.value.profile;
      }
    },
  };
}

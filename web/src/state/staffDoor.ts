import { type Signal, signal } from "@preact/signals";
import type { Service } from "../wire/frames";
import { http } from "../wire/http";
import { Refusal } from "../wire/refusal";

/** domain.people.Shop as HTTP gives it. */
export interface Shop {
  id: string;
  slug: string;
  name: string;
  name_zh: string;
  currency: string;
  time_zone: string;
  services: Service[];
}

export interface SignedIn {
  staff: { id: string; name: string; role: string };
  shop: Shop;
}

export type DoorState =
  | { is: "checking" }
  | { is: "out" }
  | { is: "in"; me: SignedIn }
  | { is: "unreachable"; code: string };

export interface Door {
  readonly state: Signal<DoorState>;
  check(): Promise<void>;
  /** Throws Refusal: `wrong_password`, `rate_limited` with `retryAfterS`, or the network's. */
  signIn(username: string, password: string): Promise<void>;
  signOut(): Promise<void>;
}

export function openDoor(): Door {
  const state = signal<DoorState>({ is: "checking" });
  return {
    state,
    async check() {
      try {
        state.value = { is: "in", me: await http<SignedIn>("/api/me") };
      } catch (error) {
        const code = error instanceof Refusal ? error.code : "unknown";
        state.value = code === "not_signed_in" || code === "http_401" ? { is: "out" } : { is: "unreachable", code };
      }
    },
    async signIn(username, password) {
      state.value = { is: "in", me: await http<SignedIn>("/api/sign-in", { body: { username, password } }) };
    },
    async signOut() {
      await http("/api/sign-out", { method: "POST", body: {} });
      state.value = { is: "out" };
    },
  };
}

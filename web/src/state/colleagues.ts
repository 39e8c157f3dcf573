import { type ReadonlySignal, signal } from "@preact/signals";
import { http } from "../wire/http";

export interface Colleague {
  id: string;
  name: string;
}

/** All of the shop but oneself, whether they are here or not. */
export interface Colleagues {
  readonly list: ReadonlySignal<readonly Colleague[]>;
  /** Keeps what it has over a fault. */
  load(): Promise<void>;
}

export function openColleagues(me: string): Colleagues {
  const list = signal<readonly Colleague[]>([]);
  return {
    list,
    async load() {
      const found = await http<{ colleagues: Colleague[] }>("/api/colleagues").catch(() => null);
      if (found) list.value = found.colleagues.filter((one) => one.id !== me);
    },
  };
}

import { signal } from "@preact/signals";

export type Language = "en" | "zh-CN";
const KEPT = "loupe.language";

function first(): Language {
  try {
    const kept = localStorage.getItem(KEPT);
    if (kept === "en" || kept === "zh-CN") return kept;
  } catch {
    // storage refused: the browser's language decides
  }
  const wishes = globalThis.navigator?.languages ?? [];
  for (const wish of wishes) {
    if (/^zh/i.test(wish)) return "zh-CN";
    if (/^en/i.test(wish)) return "en";
  }
  return "en";
}

export const language = signal<Language>(first());

export function setLanguage(next: Language): void {
  language.value = next;
  try {
    localStorage.setItem(KEPT, next);
  } catch {
    // it holds for this page
  }
}

export function otherLanguage(): Language {
  return language.value === "en" ? "zh-CN" : "en";
}

type Values = Record<string, string | number>;

/** `t("key", {n: 2})` in the language of the moment; reading it in a component redraws it when the language changes.
 * Placeholders are `{name}`. In English `{n|thing|things}` chooses by number. */
export function translator<K extends string>(en: Record<K, string>, zh: Record<K, string>) {
  return (key: K, values: Values = {}, where: Language = language.value): string =>
    where === "en" ? fill(en[key], values) : closed(fill(zh[key], values));
}

/** Chinese sets no space between its own characters; the ones around a filled-in Latin name or number stay. */
export function closed(text: string): string {
  return text.replace(/(\p{Script=Han}) (?=\p{Script=Han})/gu, "$1");
}

export function fill(text: string, values: Values): string {
  return text.replace(/\{(\w+)(?:\|([^|}]*)\|([^}]*))?\}/g, (all, name: string, one?: string, many?: string) => {
    const value = values[name];
    if (value === undefined) return all;
    return many === undefined ? String(value) : Number(value) === 1 ? (one ?? "") : many;
  });
}

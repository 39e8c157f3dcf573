import { Plus, X } from "lucide-preact";
import { createPortal } from "preact/compat";
import { useState } from "preact/hooks";
import { inboxText as it } from "../i18n/inbox.texts";
import { errorText } from "../i18n/shared.texts";
import { talk as t } from "../i18n/talk.texts";
import { type Item, merged, type Profile, type ProfileCard, type ProfileFields } from "../state/profile";
import { Dialog } from "../ui/controls";
import { codeOf } from "../wire/refusal";

const BLANK: Item = { name: "", material: "", bought_on: null, care_months: null };
const USUAL = ["tag_frequent", "tag_new", "tag_care"] as const;

/** What staff write down of a customer. When a colleague was first, both changes are put together and shown before they are saved. */
export function ProfileEdit({ card, profile, close }: { card: ProfileCard; profile: Profile; close(): void }) {
  const [base, setBase] = useState(profile);
  const [draft, setDraft] = useState<ProfileFields>(profile);
  const [note, setNote] = useState("");
  const set = (change: Partial<ProfileFields>) => setDraft({ ...draft, ...change });
  const setItem = (at: number, change: Partial<Item>) =>
    set({ items: draft.items.map((item, i) => (i === at ? { ...item, ...change } : item)) });

  const save = async (event: Event) => {
    event.preventDefault();
    const wanted = { ...draft, name: draft.name.trim(), items: draft.items.filter((item) => item.name.trim()) };
    try {
      const now = await card.save(base, wanted);
      if (!now) return close();
      setDraft(merged(base, wanted, now));
      setBase(now);
      setNote(it("profile_stale", { name: now.changed_by ?? "" }));
    } catch (error) {
      setNote(errorText(codeOf(error)));
    }
  };
  return createPortal(
    <Dialog title={it("profile_edit")} onClose={close}>
      <form class="profile-form" onSubmit={(event) => void save(event)}>
        <label class="field">
          <span class="label">{it("name")}</span>
          <input
            class="input"
            value={draft.name}
            maxLength={80}
            required
            onInput={(event) => set({ name: event.currentTarget.value })}
          />
        </label>
        <fieldset class="profile-choice">
          <legend class="label">{it("language_of")}</legend>
          {(["zh-CN", "en"] as const).map((code) => (
            <button
              key={code}
              type="button"
              class="button small"
              aria-pressed={draft.language === code}
              onClick={() => set({ language: code })}
            >
              {it(code === "en" ? "speaks_en" : "speaks_zh")}
            </button>
          ))}
        </fieldset>
        <TagField tags={draft.tags} set={(tags) => set({ tags })} />
        <label class="field">
          <span class="label">{it("preferences")}</span>
          <textarea
            class="input"
            rows={3}
            value={draft.preferences}
            maxLength={2000}
            placeholder={it("preferences_hint")}
            onInput={(event) => set({ preferences: event.currentTarget.value })}
          />
        </label>
        <fieldset class="profile-items">
          <legend class="label">{it("items")}</legend>
          {draft.items.map((item, at) => (
            <ItemField
              key={at}
              item={item}
              set={(change) => setItem(at, change)}
              remove={() => set({ items: draft.items.filter((_, i) => i !== at) })}
            />
          ))}
          <button type="button" class="button small wide" onClick={() => set({ items: [...draft.items, BLANK] })}>
            <Plus size={18} aria-hidden="true" />
            {it("item_add")}
          </button>
        </fieldset>
        {note && (
          <p class="profile-note" role="alert">
            {note}
          </p>
        )}
        <div class="profile-end">
          <button type="button" class="button quiet large" onClick={close}>
            {it("cancel")}
          </button>
          <button type="submit" class="button main large" disabled={!draft.name.trim()}>
            {t("save_name")}
          </button>
        </div>
      </form>
    </Dialog>,
    document.body,
  );
}

function TagField({ tags, set }: { tags: readonly string[]; set(tags: string[]): void }) {
  const [text, setText] = useState("");
  const add = (tag: string) => {
    const said = tag.trim();
    if (said && !tags.includes(said)) set([...tags, said]);
    setText("");
  };
  const usual = USUAL.map((key) => it(key)).filter((tag) => !tags.includes(tag));
  return (
    <div class="field">
      <label class="label" for="profile-tag">
        {it("tags")}
      </label>
      <div class="profile-chips">
        {tags.map((tag) => (
          <button
            key={tag}
            type="button"
            class="reply chosen"
            aria-label={it("tag_remove", { tag })}
            onClick={() => set(tags.filter((each) => each !== tag))}
          >
            {tag}
            <X size={16} aria-hidden="true" />
          </button>
        ))}
        {usual.map((tag) => (
          <button key={tag} type="button" class="reply" onClick={() => add(tag)}>
            <Plus size={16} aria-hidden="true" />
            {tag}
          </button>
        ))}
      </div>
      <input
        id="profile-tag"
        class="input"
        value={text}
        maxLength={40}
        placeholder={it("tag_add")}
        enterkeyhint="done"
        onInput={(event) => setText(event.currentTarget.value)}
        onBlur={() => add(text)}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || event.isComposing) return;
          event.preventDefault();
          add(text);
        }}
      />
    </div>
  );
}

function ItemField({ item, set, remove }: { item: Item; set(change: Partial<Item>): void; remove(): void }) {
  return (
    <div class="profile-item">
      <input
        class="input"
        value={item.name}
        maxLength={120}
        aria-label={it("item_name")}
        placeholder={it("item_name")}
        onInput={(event) => set({ name: event.currentTarget.value })}
      />
      <button type="button" class="icon-button" aria-label={it("item_remove", { name: item.name })} onClick={remove}>
        <X size={20} aria-hidden="true" />
      </button>
      <input
        class="input"
        value={item.material}
        maxLength={120}
        aria-label={it("item_material")}
        placeholder={it("item_material")}
        onInput={(event) => set({ material: event.currentTarget.value })}
      />
      <label>
        <span>{it("item_bought")}</span>
        <input
          class="input"
          type="date"
          value={item.bought_on ?? ""}
          onInput={(event) => set({ bought_on: event.currentTarget.value || null })}
        />
      </label>
      <label>
        <span>{it("item_care")}</span>
        <input
          class="input"
          type="number"
          inputMode="numeric"
          min={1}
          max={60}
          value={item.care_months ?? ""}
          onInput={(event) => set({ care_months: Number(event.currentTarget.value) || null })}
        />
      </label>
    </div>
  );
}

import { Search as Glass, X } from "lucide-preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { searchText as t } from "../i18n/search.texts";
import { errorText } from "../i18n/shared.texts";
import { en, type TalkKey, talk as talkText } from "../i18n/talk.texts";
import type { Talk } from "../state/conversation";
import { type Hit, openSearch } from "../state/search";
import { keepFocus } from "../ui/controls";
import { dayName } from "./days";
import "./search.css";

interface Props {
  /** The conversation to look in; null: all of the shop's. */
  talk: Talk | null;
  zone?: string | undefined;
  /** Shows what was found; without it, it is shown in `talk`. */
  open?(hit: Hit): void;
}

/** Finds words in this conversation; without one, in all of the shop's. */
export function Search(props: Props) {
  const [isOpen, setOpen] = useState(false);
  const name = t(props.talk ? "search_here" : "search_all");
  const button = useRef<HTMLButtonElement>(null);
  const { talk } = props;
  const look = !talk ? "search-wide" : talk.conversations.me.side === "staff" ? "icon-button" : "talk-round quiet";
  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  return (
    <>
      <button
        type="button"
        class={look}
        aria-label={name}
        title={name}
        aria-haspopup="dialog"
        aria-expanded={isOpen}
        ref={button}
        onClick={() => setOpen(true)}
      >
        <Glass size={22} aria-hidden="true" />
        {!talk && <span aria-hidden="true">{t("search")}</span>}
      </button>
      {isOpen && <Panel {...props} name={name} close={close} />}
    </>
  );
}

function Panel({ talk, zone, open, name, close }: Props & { name: string; close(): void }) {
  const search = useMemo(() => openSearch(talk ? talk.stream.slice(2) : null), [talk]);
  const field = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLUListElement>(null);
  useLayoutEffect(() => field.current?.focus(), [search]); // the first letter may come before the next paint
  useEffect(() => () => search.close(), [search]);
  const words = search.words.value;
  const hits = search.hits.value;
  const choose = (hit: Hit) => {
    close();
    if (open) open(hit);
    else void talk?.show(hit).catch(() => undefined);
  };
  const pressed = (event: KeyboardEvent) => {
    if (event.key === "Escape") return close();
    keepFocus(event, event.currentTarget as HTMLElement);
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (!step) return;
    const rows = [...(list.current?.querySelectorAll<HTMLElement>(".search-hit") ?? [])];
    const at = rows.indexOf(document.activeElement as HTMLElement) + step;
    if (at < 0) field.current?.focus();
    else rows[at]?.focus();
    event.preventDefault();
  };
  return (
    <>
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes it, too */}
      {/* biome-ignore lint/a11y/noStaticElementInteractions: as above */}
      <div class="search-scrim" onClick={close} />
      <section class="search" role="dialog" aria-modal="true" aria-label={name} onKeyDown={pressed}>
        <form class="search-field" onSubmit={(event) => event.preventDefault()}>
          <Glass size={20} aria-hidden="true" />
          <input
            ref={field}
            type="search"
            value={words}
            maxLength={100}
            aria-label={name}
            placeholder={name}
            autocomplete="off"
            enterkeyhint="search"
            onInput={(event) => search.look(event.currentTarget.value)}
          />
          {search.isBusy.value && <span class="spinner" role="status" aria-label={t("searching")} />}
          <button type="button" class="talk-round quiet" aria-label={t("close")} onClick={close}>
            <X size={22} aria-hidden="true" />
          </button>
        </form>
        {search.fault.value ? (
          <p class="search-said" role="alert">
            {errorText(search.fault.value)}
          </p>
        ) : hits === null ? (
          <p class="search-said">
            {t(talk?.conversations.me.side === "customer" ? "search_hint" : "search_hint_staff")}
          </p>
        ) : hits.length === 0 ? (
          <p class="search-said" role="status">
            {t("nothing", { words: words.trim() })}
          </p>
        ) : (
          <ul class="search-hits" ref={list}>
            {hits.map((hit) => (
              <li key={`${hit.stream}.${hit.position}`}>
                <button type="button" class="search-hit" onClick={() => choose(hit)}>
                  <Found hit={hit} isNamed={!talk} zone={zone} />
                </button>
              </li>
            ))}
            {search.hasMore.value && (
              <li>
                <button type="button" class="search-more" onClick={search.more}>
                  {t("earlier")}
                </button>
              </li>
            )}
          </ul>
        )}
      </section>
    </>
  );
}

function Found({ hit, isNamed, zone }: { hit: Hit; isNamed: boolean; zone: string | undefined }) {
  const isNote = hit.stream.startsWith("n.");
  const who = isNamed ? hit.name : hit.author_name;
  const kind = isNote ? t("note") : hit.kind !== "text" && hit.kind in en ? talkText(hit.kind as TalkKey) : "";
  return (
    <>
      <span class="search-top">
        <strong>{who === "-" ? talkText("unknown_customer") : who}</strong>
        {isNamed && hit.side === "staff" && <span class="search-by">{hit.author_name}</span>}
        {kind && <span class={isNote ? "search-kind note" : "search-kind"}>{kind}</span>}
        <time dateTime={hit.at}>{dayName(hit.at, zone)}</time>
      </span>
      <span class="search-snippet">
        {hit.before}
        <mark>{hit.match}</mark>
        {hit.after}
      </span>
    </>
  );
}

import { useEffect, useRef, useState } from "preact/hooks";
import { visible } from "../conversation/blank";
import type { Talk } from "../state/conversation";
import { files as t } from "./files.texts";
import { type Picked, prepare } from "./picked";

const TELL_FOR_MS = 6000;
const LONGEST_CAPTION = 1000; // as `domain.bodies.FileBody`; more is a message of its own

/** What was chosen, pasted or dropped, until it is sent with what is written as its caption. */
export function usePicked(talk: Talk) {
  const [picked, setPicked] = useState<readonly Picked[]>([]);
  const [preparing, setPreparing] = useState(0);
  const [refused, setRefused] = useState("");
  const [isWanted, setWanted] = useState(false); // "Send" was tapped before all was prepared
  const here = useRef(picked);
  here.current = picked;
  useEffect(() => () => letGo(here.current), []);

  useEffect(() => {
    if (!isWanted || preparing) return;
    setWanted(false);
    const text = picked.length ? visible(talk.draft.peek()) : "";
    let caption = text.length > LONGEST_CAPTION ? "" : text;
    if (caption) talk.edited("");
    for (const { kind, blob, name } of picked) {
      const body = { ...(name && { name: name.slice(0, 200) }), ...(caption && { caption }) };
      talk.sendFile(kind, blob, body).catch(() => {
        refuse(t("no_room"));
        if (body.caption) talk.edited([body.caption, talk.draft.peek()].filter(Boolean).join("\n"));
      });
      caption = "";
    }
    if (text.length > LONGEST_CAPTION) talk.send();
    letGo(picked);
    setPicked([]);
  }, [isWanted, preparing]);

  const refuse = (why: string) => {
    setRefused(why);
    setTimeout(setRefused, TELL_FOR_MS, "");
  };
  const add = async (files: readonly File[]) => {
    setPreparing((n) => n + files.length);
    for (const file of files) {
      const made = await prepare(file); // one after the other: a phone holds one large picture at a time
      setPreparing((n) => n - 1);
      if (made) setPicked((before) => [...before, made]);
      else refuse(t("too_large", { name: file.name }));
    }
  };
  const take = (event: Event, given: DataTransfer | null) => {
    const files = [...(given?.files ?? [])];
    if (!files.length) return;
    event.preventDefault();
    void add(files);
  };
  return {
    picked,
    preparing,
    refused,
    add: (files: readonly File[]) => void add(files),
    remove(each: Picked) {
      letGo([each]);
      setPicked((before) => before.filter((other) => other !== each));
    },
    send: () => setWanted(true),
    pasted: (event: ClipboardEvent) => take(event, event.clipboardData),
    dragged: (event: DragEvent) => event.dataTransfer?.types.includes("Files") && event.preventDefault(),
    dropped: (event: DragEvent) => take(event, event.dataTransfer),
  };
}

function letGo(picked: readonly Picked[]): void {
  for (const { url } of picked) URL.revokeObjectURL(url);
}

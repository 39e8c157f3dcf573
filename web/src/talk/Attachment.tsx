import { FileText } from "lucide-preact";
import type { Talk, TalkLine } from "../state/conversation";
import { summary } from "./Line";

/** A picture, voice note, video or file of a message. */
export function Attachment({ line }: { line: TalkLine; talk: Talk }) {
  return (
    <p class="talk-file">
      <FileText size={20} aria-hidden="true" />
      {String(line.body.name || summary(line))}
    </p>
  );
}

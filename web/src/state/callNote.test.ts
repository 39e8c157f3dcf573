import { describe, expect, it } from "vitest";
import type { Unsent } from "../wire/outbox";
import { Refusal } from "../wire/refusal";
import { openSaveNote } from "./callNote";

type Answer = "ok" | "offline" | "no_answer" | "forbidden";

/** The server's answers in turn; what it was asked is kept. */
function answering(...answers: Answer[]) {
  const asked: Unsent[] = [];
  const save = openSaveNote(async (frame) => {
    asked.push(frame);
    const answer = answers.shift();
    if (answer !== "ok") throw new Refusal(String(answer), "");
  });
  return { asked, save };
}

describe("the note of a call", () => {
  it("goes out again until a connection holds", async () => {
    const { asked, save } = answering("offline", "no_answer", "offline", "ok");
    await save("call-1", "tan");
    expect(asked).toEqual(Array(4).fill({ type: "note.save", call_id: "call-1", text: "tan" }));
  });

  it("that is refused is said to be", async () => {
    const { asked, save } = answering("offline", "forbidden");
    await expect(save("call-1", "tan")).rejects.toMatchObject({ code: "forbidden" });
    expect(asked).toHaveLength(2);
  });

  it("gives way to a newer text and not to another call's", async () => {
    const { asked, save } = answering("offline", "offline", "ok", "ok");
    const older = save("call-1", "ta");
    const other = save("call-2", "blue");
    const newer = save("call-1", "tan");
    await Promise.all([older, other, newer]);
    expect(asked.map((frame) => "text" in frame && frame.text)).toEqual(["ta", "blue", "tan", "blue"]);
  });
});

import { batch, computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { Pace } from "../board/pace";
import { nextNumber, withStroke } from "../board/shapes";
import type { Stroke } from "../wire/frames";
import type { Session } from "./session";
import type { Notices } from "./staffNotices";

/** Drawing as this member of staff sees it: the server's board with the own strokes laid over it at once. */
export interface StaffBoard {
  readonly strokes: ReadonlySignal<Stroke[]>;
  readonly next: ReadonlySignal<number>;
  stroke(stroke: Stroke, finished: boolean): void;
  discard(id: string): void;
  undo(): void;
  clear(): void;
}

const OVERLAP_MS = 1500; // echoes of earlier stages may still come after the last one was acknowledged

export function openStaffBoard(session: Session, notices: Notices): StaffBoard {
  const mine = signal<Stroke[]>([]);
  const gone: Signal<ReadonlySet<string>> = signal(new Set<string>());
  const posted = new Set<string>();
  const paces = new Map<string, Pace<Stroke>>();

  const strokes = computed(() => {
    const merged = mine.value.reduce(withStroke, session.board.value.strokes);
    return merged.filter((stroke) => !gone.value.has(stroke.id));
  });

  const without = (id: string): void => {
    mine.value = mine.value.filter((stroke) => stroke.id !== id);
  };
  const hide = (ids: string[]): void => {
    gone.value = new Set([...gone.value, ...ids]);
  };
  const show = (ids: string[]): void => {
    const left = new Set(gone.value);
    for (const id of ids) left.delete(id);
    gone.value = left;
  };
  const paceOf = (id: string): Pace<Stroke> => {
    let pace = paces.get(id);
    if (!pace) {
      pace = new Pace<Stroke>(
        (stroke) => {
          posted.add(id);
          session.wire.post({ type: "draw.stroke", stroke });
        },
        (stroke) => 150 + stroke.points.length * 16,
      );
      paces.set(id, pace);
    }
    return pace;
  };

  async function keep(stroke: Stroke): Promise<void> {
    posted.add(stroke.id);
    try {
      await session.request({ type: "draw.stroke", stroke });
      batch(() => {
        const board = session.board.value;
        session.board.value = { ...board, strokes: withStroke(board.strokes, stroke) };
      });
      setTimeout(without, OVERLAP_MS, stroke.id);
    } catch (error) {
      without(stroke.id);
      notices.refuse(error);
    }
  }

  async function take(ids: string[], type: "draw.undo" | "draw.clear"): Promise<void> {
    batch(() => {
      hide(ids);
      for (const id of ids) without(id);
    });
    try {
      await session.request({ type });
    } catch (error) {
      show(ids);
      notices.refuse(error);
    }
  }

  return {
    strokes,
    next: computed(() => nextNumber(strokes.value)),
    stroke(stroke, finished) {
      mine.value = withStroke(mine.value, stroke);
      const pace = paceOf(stroke.id);
      if (!finished) return pace.offer(stroke);
      pace.drop();
      paces.delete(stroke.id);
      void keep(stroke);
    },
    discard(id) {
      paces.get(id)?.drop();
      paces.delete(id);
      if (posted.has(id)) void take([id], "draw.undo");
      else without(id);
    },
    undo() {
      const last = strokes.value.at(-1);
      if (last) void take([last.id], "draw.undo");
    },
    clear() {
      if (strokes.value.length)
        void take(
          strokes.value.map((stroke) => stroke.id),
          "draw.clear",
        );
    },
  };
}

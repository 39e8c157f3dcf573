/** News that comes while a page has something more urgent to do waits for its end, in order. */
export interface Hush<T> {
  hear(news: T): void;
  /** Of two ends the first one counts. */
  until(end: Promise<void>): void;
  release(): void;
}

export function openHush<T>(take: (news: T) => void): Hush<T> {
  let waiting: T[] | null = null;
  const release = (): void => {
    const late = waiting ?? [];
    waiting = null;
    for (const news of late) take(news);
  };
  return {
    hear(news) {
      if (waiting) waiting.push(news);
      else take(news);
    },
    until(end) {
      waiting ??= [];
      void end.then(release);
    },
    release,
  };
}

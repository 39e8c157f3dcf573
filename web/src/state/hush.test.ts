import { expect, it } from "vitest";
import { openHush } from "./hush";

function heard() {
  const taken: number[] = [];
  return { taken, hush: openHush<number>((news) => taken.push(news)) };
}

it("news waits for the end, in order, and passes again after it", async () => {
  const { taken, hush } = heard();
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  hush.hear(1);
  hush.until(ended);
  hush.hear(2);
  hush.hear(3);
  expect(taken).toEqual([1]);
  end();
  await ended;
  hush.hear(4);
  expect(taken).toEqual([1, 2, 3, 4]);
});

it("what waits is let go before the end when something newer than all of it is there", () => {
  const { taken, hush } = heard();
  hush.until(new Promise(() => undefined));
  hush.hear(1);
  hush.release();
  hush.hear(2);
  expect(taken).toEqual([1, 2]);
});

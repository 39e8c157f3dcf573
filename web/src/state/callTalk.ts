import { type ReadonlySignal, signal } from "@preact/signals";
import { Conversations } from "../conversation/conversations";
import type { LinkStatus } from "../conversation/link";
import { openTalk, type Talk } from "./conversation";
import { type Link, lend } from "./link";

/** The customer's conversation while they are in line, in a call, and on the page after it. */
export interface CallTalk {
  readonly customerId: string;
  readonly talk: Talk;
  readonly status: ReadonlySignal<LinkStatus>;
  close(): void;
}

/** What this browser kept is there at once. It travels on the call's data channel while that is open. */
export async function openCallTalk(customerId: string, link: Link): Promise<CallTalk> {
  const conversations = await Conversations.open({ id: customerId, side: "customer" });
  const talk = openTalk(conversations, `c.${customerId}`);
  const status = signal(conversations.status);
  conversations.on((change) => {
    if (change.is === "status") status.value = conversations.status;
  });
  const stopLending = lend(link, signal(conversations));
  conversations.start();
  return {
    customerId,
    talk,
    status,
    close() {
      stopLending();
      talk.close();
      conversations.close();
    },
  };
}

import { translator } from "./language";

/** Texts of what staff do in the inbox: shelves, sentences that are said often, the customer's profile, mentions, calls, keys. */
export const en = {
  shelf_waiting: "Waiting",
  none_waiting: "Nobody waits for an answer",
  none_waiting_text: "Who wrote last and has no answer yet stands here, longest first.",
  more_closed: "Earlier conversations",
  closed_fault: "Earlier conversations could not be loaded.",
  closed_hint: "Closed. What you write opens it again.",
};

export type InboxKey = keyof typeof en;

export const zh: Record<InboxKey, string> = {
  shelf_waiting: "等待回复",
  none_waiting: "没有顾客在等回复",
  none_waiting_text: "还没有得到回复的顾客会显示在这里，等得最久的排在最前。",
  more_closed: "更早的会话",
  closed_fault: "更早的会话没有载入。",
  closed_hint: "会话已结束，发送消息会重新打开。",
};

export const inboxText = translator(en, zh);

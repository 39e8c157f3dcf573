import { translator } from "./language";

/** Texts of being asked to a video call from a conversation; both sides have them. */
export const en = {
  ring_open: "The link waits here",
  ring_accepted: "Accepted",
  ring_declined: "Not now",
  ring_withdrawn: "Given up",
  ringing: "Calling {name} …",
  ringing_away: "{name} is not here. The link waits in the conversation.",
  ring_stop: "Stop",
  rung_accepted: "{name} comes. The call opens here by itself.",
  rung_declined: "{name} cannot talk now.",
  rung_missed: "{name} did not answer. The link waits in the conversation.",
  ring_again: "Ring again",
  ring_done: "Close",
};

export type RingKey = keyof typeof en;

export const zh: Record<RingKey, string> = {
  ring_open: "链接仍可使用",
  ring_accepted: "已接受",
  ring_declined: "暂不方便",
  ring_withdrawn: "已取消",
  ringing: "正在呼叫 {name} …",
  ringing_away: "{name} 目前不在，链接已留在会话中。",
  ring_stop: "取消呼叫",
  rung_accepted: "{name} 正在进入，通话会自动打开。",
  rung_declined: "{name} 现在不方便通话。",
  rung_missed: "{name} 没有接听，链接已留在会话中。",
  ring_again: "再次呼叫",
  ring_done: "关闭",
};

export const ringText = translator(en, zh);

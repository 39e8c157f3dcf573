import type { Customer } from "../state/customer";
import { useChatParts } from "./chatParts";
import { t } from "./texts";

interface Props {
  customer: Customer;
  /** The call is in front: what is in sight is read. */
  active: boolean;
  open: boolean;
  onOpen(open: boolean): void;
}

/** The chat of the call is the conversation with the shop: one line to write in, the newest words over the picture, and all
 * of them when opened. */
export function ChatPanel(props: Props) {
  const chat = props.customer.chat.value;
  const parts = useChatParts(chat !== null);
  if (!chat || !parts) return <section class="chat" aria-label={t("chat")} />;
  return <parts.CallChat {...props} chat={chat} />;
}

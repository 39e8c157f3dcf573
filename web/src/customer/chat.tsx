import { render } from "preact";
import { openCustomerTalk } from "../state/customerTalk";
import { ConversationPage } from "./ConversationPage";

/** The page of the conversation; the call's page does not wait for it. */
export function openChat(slug: string, token: string | null, place: HTMLElement): void {
  const customer = openCustomerTalk(slug, token);
  render(<ConversationPage customer={customer} />, place);
  void customer.enter();
  // From the next visit on this page opens without a network.
  if (import.meta.env.PROD) navigator.serviceWorker?.register("/sw.js", { scope: "/s/" }).catch(() => undefined);
}

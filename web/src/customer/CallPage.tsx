import { useEffect, useState } from "preact/hooks";
import { FIRST_PICTURE_MS } from "../rtc/connection";
import type { Customer } from "../state/customer";
import { ChatPanel } from "./ChatPanel";
import { chime } from "./chime";
import { Notices } from "./Notices";
import { PictureAsk } from "./PictureAsk";
import { Proposals } from "./Proposals";
import { Reconnecting } from "./Reconnecting";
import { Stage } from "./Stage";
import { Tools } from "./Tools";
import { RecordingDialog, TopBar } from "./TopBar";
import { t } from "./texts";

/** The call: pictures, chat, tools. On a phone the chat lies over the picture; on a wide screen it stands beside it. */
export function CallPage(props: { customer: Customer; shop: string; active: boolean; settled: boolean }) {
  const { customer, shop, active, settled } = props;
  const [recording, setRecording] = useState(false);
  const [chatOpen, setChatOpen] = useState(false);
  const state = customer.session.call.value?.state;
  useEffect(() => {
    if (state !== "live") return;
    const timer = setTimeout(chime, FIRST_PICTURE_MS);
    return () => clearTimeout(timer);
  }, [state]);
  return (
    <main
      class={`room call${chatOpen ? " chat-open" : ""}${settled ? "" : active ? " entering" : " offstage"}`}
      inert={!settled}
      aria-hidden={!settled}
    >
      <h1 class="unseen">
        {t("video_call_with")} {shop}
      </h1>
      <div class="call-picture">
        <Stage customer={customer} active={active} />
        <div class="call-top">
          <TopBar customer={customer} shop={shop} onRecording={() => setRecording(true)} />
          <Reconnecting customer={customer} />
          <Notices customer={customer} />
        </div>
      </div>
      <div class="call-bottom">
        <Proposals customer={customer} />
        <ChatPanel customer={customer} active={settled} open={chatOpen} onOpen={setChatOpen} />
        <Tools customer={customer} />
      </div>
      <PictureAsk customer={customer} />
      {recording && <RecordingDialog customer={customer} onClose={() => setRecording(false)} />}
    </main>
  );
}

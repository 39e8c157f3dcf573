import {
  AppWindow,
  CirclePause,
  MicOff,
  Moon,
  Snowflake,
  TriangleAlert,
  Vibrate,
  VideoOff,
  Wifi,
  WifiOff,
} from "lucide-preact";
import type { JSX } from "preact";
import { staff } from "../i18n/staff.texts";
import { Video } from "../ui/controls";
import { useStaff } from "./staffContext";

/** How the customer's side is, in words over the picture. */
export function StatusPills() {
  const { session, deeds, camera } = useStaff();
  const customer = deeds.customer.value;
  const status = customer?.status;
  const pills: [string, JSX.Element, string][] = [];
  const size = 16;
  if (deeds.frozen.value) pills.push(["cold", <Snowflake size={size} key="i" />, staff("frozen")]);
  if (customer && status?.muted)
    pills.push(["", <MicOff size={size} key="i" />, staff("status_muted", { name: customer.name })]);
  if (status && !status.visible) pills.push(["amber", <AppWindow size={size} key="i" />, staff("status_away")]);
  if (status?.camera_on && status.visible) {
    if (status.dark) pills.push(["amber", <Moon size={size} key="i" />, staff("status_dark")]);
    if (status.shaking) pills.push(["amber", <Vibrate size={size} key="i" />, staff("status_shaking")]);
  }
  if (status?.quality === "poor") pills.push(["amber", <Wifi size={size} key="i" />, staff("status_poor")]);
  if (status?.quality === "lost") pills.push(["red", <WifiOff size={size} key="i" />, staff("status_lost")]);
  if (session.call.value?.camera?.error)
    pills.push(["amber", <TriangleAlert size={size} key="i" />, staff("camera_error")]);
  if (camera.muted.value) pills.push(["red", <MicOff size={size} key="i" />, staff("own_muted")]);
  return (
    <ul class="stage-pills" aria-live="polite">
      {pills.map(([tone, icon, words]) => (
        <li key={words} class={`pill glass ${tone}`}>
          <span aria-hidden="true">{icon}</span>
          {words}
        </li>
      ))}
    </ul>
  );
}

/** What stands in place of the picture when there is none. The most telling one only. */
export function Overlays({ video }: { video: HTMLVideoElement | null }) {
  const { session, deeds, link } = useStaff();
  const call = session.call.value;
  const customer = deeds.customer.value;
  if (!call || !customer) return null;
  const name = call.customer_name;
  if (deeds.held.value) {
    return (
      <Cover
        icon={<CirclePause size={52} strokeWidth={1.5} />}
        title={staff("on_hold")}
        text={staff("on_hold_text")}
        solid
      >
        <button type="button" class="button main large" onClick={() => deeds.set("held", false)}>
          {staff("resume")}
        </button>
      </Cover>
    );
  }
  if (link.troubled.value && call.state === "live")
    return <Cover busy title={staff("reconnecting")} text={staff("reconnecting_text")} />;
  if (!customer.connected)
    return <Cover busy title={staff("customer_gone", { name })} text={staff("customer_gone_text")} />;
  if (call.state === "ringing") return <Cover busy title={staff("ringing", { name })} text="" solid />;
  if (customer.status && !customer.status.camera_on && !deeds.frozen.value)
    return (
      <Cover icon={<VideoOff size={44} strokeWidth={1.5} />} title={staff("camera_off_of", { name })} text="" solid />
    );
  return video ? null : <Cover busy title={staff("ringing", { name })} text="" />;
}

function Cover(props: {
  title: string;
  text: string;
  icon?: JSX.Element;
  busy?: boolean;
  solid?: boolean;
  children?: JSX.Element;
}) {
  return (
    <div class={props.solid ? "cover solid" : "cover"} role="status">
      {props.busy ? <span class="spinner" aria-hidden="true" /> : <span aria-hidden="true">{props.icon}</span>}
      <p class="cover-title">{props.title}</p>
      {props.text && <p class="muted">{props.text}</p>}
      {props.children}
    </div>
  );
}

/** The own picture and those of invited colleagues, small. */
export function Faces() {
  const { camera, deeds, link, session } = useStaff();
  camera.version.value; // redrawn when a track changes
  const me = session.me.value;
  const invited = session.call.value?.invited ?? [];
  const off = camera.cameraOff.value || camera.video === null;
  return (
    <div class="faces">
      <figure class={off ? "face-tile off" : "face-tile"}>
        <Video stream={camera.stream} muted mirrored label={staff("own_picture")} marks={{ "data-local": "" }} />
        {off && <VideoOff size={24} aria-hidden="true" class="face-off" />}
        <figcaption>{me?.name ?? staff("you")}</figcaption>
      </figure>
      {deeds.colleagues.value.map((one) => {
        const stream = one.slot === null ? null : (link.remotes[one.slot] ?? null);
        const dark = one.status !== null && !one.status.camera_on;
        return (
          <figure key={one.id} class={dark || !one.connected ? "face-tile off" : "face-tile"}>
            <Video
              stream={stream}
              label={staff("customer_picture", { name: one.name })}
              marks={{ "data-colleague": one.id }}
            />
            {(dark || !one.connected) && <VideoOff size={24} aria-hidden="true" class="face-off" />}
            <figcaption>
              {one.status?.muted && <MicOff size={13} aria-hidden="true" />}
              {one.name}
            </figcaption>
          </figure>
        );
      })}
      {invited.map((one) => (
        <figure key={one.id} class="face-tile off" role="status">
          <span class="spinner" aria-hidden="true" />
          <figcaption>{staff("invited", { name: one.name })}</figcaption>
        </figure>
      ))}
    </div>
  );
}

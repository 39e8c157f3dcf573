/** The one element that plays the customer. It is made when the house opens and waits offstage with its player warm, so that
 * the first picture after "Answer" waits for no new element. */
export interface Player {
  readonly element: HTMLVideoElement;
  /** Puts the element into `place`. */
  enter(place: HTMLElement): void;
  /** Makes it the remote picture of a call, or not. */
  show(active: boolean): void;
  /** Back offstage. */
  leave(): void;
  close(): void;
}

export function openPlayer(stream: MediaStream): Player {
  const offstage = document.createElement("div");
  offstage.setAttribute("aria-hidden", "true");
  offstage.style.cssText = "position:fixed;width:1px;height:1px;overflow:hidden;opacity:0;pointer-events:none";
  const element = document.createElement("video");
  element.autoplay = true;
  element.playsInline = true;
  element.disablePictureInPicture = true;
  element.className = "stage-video";
  element.srcObject = stream;
  offstage.append(element);
  document.body.append(offstage);
  return {
    element,
    enter(place) {
      place.prepend(element);
    },
    show(active) {
      if (active) element.dataset.remote = "";
      else delete element.dataset.remote;
    },
    leave() {
      delete element.dataset.remote;
      offstage.append(element);
    },
    close() {
      element.srcObject = null;
      offstage.remove();
    },
  };
}

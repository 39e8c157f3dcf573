/** The one element that plays the customer. It is made when the house opens and waits offstage with its player warm, so that
 * the first picture after "Answer" waits for no new element. */
export interface Player {
  readonly element: HTMLVideoElement;
  /** Puts the element into `place` and makes it the remote picture. */
  enter(place: HTMLElement): void;
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
      element.dataset.remote = "";
      place.prepend(element);
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

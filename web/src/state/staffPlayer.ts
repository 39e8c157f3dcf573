/** The one element that plays the customer. It lives as long as the house and lies in the call room that is laid out
 * offstage, so that the first picture after "Answer" waits for no new player. */
export interface Player {
  readonly element: HTMLVideoElement;
  /** Puts the element into `place`. */
  enter(place: HTMLElement): void;
  /** Makes it the remote picture of a call, or not. */
  show(active: boolean): void;
  leave(): void;
  /** Resolves when the next frame is on the screen, at the latest after `withinMs`. */
  pictured(withinMs: number): Promise<void>;
}

export function openPlayer(stream: MediaStream): Player {
  const element = document.createElement("video");
  element.autoplay = true;
  element.playsInline = true;
  element.disablePictureInPicture = true;
  element.className = "stage-video";
  element.srcObject = stream;
  const show = (active: boolean): void => {
    if (active) element.dataset.remote = "";
    else delete element.dataset.remote;
  };
  return {
    element,
    enter: (place) => place.prepend(element),
    show,
    leave() {
      show(false);
      element.remove();
    },
    pictured: (withinMs) =>
      new Promise((done) => {
        const timer = setTimeout(done, withinMs);
        element.requestVideoFrameCallback?.(() => {
          clearTimeout(timer);
          done();
        });
      }),
  };
}

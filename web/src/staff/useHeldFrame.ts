import { useEffect, useState } from "preact/hooks";

/** The video's present frame as an image address while `hold` is true: the picture stands the moment that staff tap, and
 * the server's sharp one takes its place when it is there. */
export function useHeldFrame(video: HTMLVideoElement | null, hold: boolean): string | null {
  const [url, setUrl] = useState<string | null>(null);
  useEffect(() => {
    if (!hold || !video?.videoWidth) return;
    const canvas = document.createElement("canvas");
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    canvas.getContext("2d")?.drawImage(video, 0, 0);
    let made: string | null = null;
    let over = false;
    canvas.toBlob(
      (blob) => {
        if (!blob || over) return;
        made = URL.createObjectURL(blob);
        setUrl(made);
      },
      "image/jpeg",
      0.9,
    );
    return () => {
      over = true;
      setUrl(null);
      // The image element may still show it until the server's picture has loaded.
      const old = made;
      if (old) setTimeout(() => URL.revokeObjectURL(old), 5000);
    };
  }, [video, hold]);
  return url;
}

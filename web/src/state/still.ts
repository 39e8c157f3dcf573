import { http } from "../wire/http";

const TAKE_WITHIN_MS = 5000;
const UPLOAD_WITHIN_MS = 60_000;
const JPEG_QUALITY = 0.95;
const LONGEST_PHOTO_PX = 2048;

interface PhotoTaker {
  takePhoto(): Promise<Blob>;
}
declare const ImageCapture: { new (track: MediaStreamTrack): PhotoTaker } | undefined;

/** The sharpest picture this phone can give of what the camera sees now: a photo where the browser can, else one frame. */
export async function takeStill(track: MediaStreamTrack): Promise<Blob> {
  if (typeof ImageCapture !== "undefined") {
    try {
      const photo = await within(new ImageCapture(track).takePhoto(), TAKE_WITHIN_MS);
      if (photo.size > 0 && /^image\/(jpeg|png|webp)$/.test(photo.type)) return photo;
    } catch {
      // some phones refuse a photo while they stream: the frame is next best
    }
  }
  const video = document.createElement("video");
  video.muted = true;
  video.playsInline = true;
  video.srcObject = new MediaStream([track]);
  await within(video.play(), TAKE_WITHIN_MS);
  const { width = 0, height = 0 } = { width: video.videoWidth, height: video.videoHeight };
  const blob = await draw(video, width, height);
  video.srcObject = null;
  return blob;
}

/** Sends a still to where `still.wanted` said. */
export async function sendStill(url: string, photo: Blob): Promise<void> {
  const digest = await crypto.subtle.digest("SHA-256", await photo.arrayBuffer());
  const hash = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  await http(url, {
    method: "PUT",
    body: photo,
    headers: { "content-type": photo.type, "x-content-sha256": hash },
    deadlineMs: UPLOAD_WITHIN_MS,
  });
}

/** A photo of the phone's gallery, turned upright and scaled to at most 2048 pixels, without its metadata. */
export async function scaled(file: Blob): Promise<Blob> {
  const image = await createImageBitmap(file, { imageOrientation: "from-image" });
  const scale = Math.min(1, LONGEST_PHOTO_PX / Math.max(image.width, image.height));
  const blob = await draw(image, Math.round(image.width * scale), Math.round(image.height * scale), 0.86);
  image.close();
  return blob;
}

async function draw(source: CanvasImageSource, width: number, height: number, quality = JPEG_QUALITY): Promise<Blob> {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  canvas.getContext("2d")?.drawImage(source, 0, 0, width, height);
  const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, "image/jpeg", quality));
  if (!blob || width === 0) throw new Error("no picture");
  return blob;
}

function within<T>(promise: Promise<T>, ms: number): Promise<T> {
  return Promise.race([promise, new Promise<never>((_, reject) => setTimeout(() => reject(new Error("late")), ms))]);
}

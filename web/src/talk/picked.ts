import type { LineKind } from "../state/conversation";
import { scaled } from "../state/still";

/** A file that was chosen and is not sent yet. */
export interface Picked {
  key: number;
  kind: LineKind;
  blob: Blob;
  name: string;
  /** Of the file in this browser; to be let go of. */
  url: string;
}

export const MAX_BYTES = 100 * 1024 * 1024;
let keys = 0;

/** Pictures are turned upright, made smaller and lose their place here, on the phone; what this browser cannot read of
 * them (HEIC) goes as it is, and the server does it. Null: larger than can be sent. */
export async function prepare(file: File): Promise<Picked | null> {
  const { kind, blob } = await made(file);
  if (blob.size > MAX_BYTES) return null;
  keys += 1;
  return { key: keys, kind, blob, name: file.name, url: URL.createObjectURL(blob) };
}

async function made(file: File): Promise<{ kind: LineKind; blob: Blob }> {
  if (isHeic(file) || /^image\/(jpeg|png|webp|gif|avif|bmp)$/.test(file.type)) {
    try {
      return { kind: "image", blob: await scaled(file) };
    } catch {
      return { kind: isHeic(file) || file.type === "image/jpeg" ? "image" : "file", blob: file };
    }
  }
  if (/^video\/(mp4|webm|quicktime|x-matroska|3gpp)$/.test(file.type)) return { kind: "video", blob: file };
  if (/^audio\//.test(file.type)) return { kind: "voice", blob: file };
  return { kind: "file", blob: file };
}

/** Phones often do not say what it is. */
function isHeic(file: File): boolean {
  return /^image\/hei[cf]$/.test(file.type) || /\.hei[cf]$/i.test(file.name);
}

/** 640 kB, 2.1 MB */
export function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${Math.round(bytes / 1000)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

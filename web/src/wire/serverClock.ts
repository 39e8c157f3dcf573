let skewMs = 0; // a device's clock may be wrong by a year

/** The server's clock in milliseconds, as far as it has told; until then the device's. */
export function serverNow(): number {
  return Date.now() + skewMs;
}

/** `now` of a welcome. */
export function toldServerTime(now: string): void {
  skewMs = Date.parse(now) - Date.now() || 0;
}

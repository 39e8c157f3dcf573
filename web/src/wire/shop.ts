/** The path with the shop whose page this is: a phone may be a customer of several, each by a cookie of its own. */
export function ofShop(path: string, page = globalThis.location?.pathname ?? ""): string {
  const slug = /^\/s\/([a-z0-9-]+)/.exec(page)?.[1];
  return slug ? `${path}${path.includes("?") ? "&" : "?"}shop=${slug}` : path;
}

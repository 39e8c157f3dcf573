/** How to scroll there: at once for whoever asked their device for less motion. */
export function gently(): ScrollBehavior {
  return matchMedia("(prefers-reduced-motion: reduce)").matches ? "instant" : "smooth";
}

/** The customer's other devices, and the code that lets one in. */
export function Devices() {
  return null;
}

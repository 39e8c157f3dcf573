const BROWSERS: [RegExp, string][] = [
  [/MicroMessenger/, "WeChat"],
  [/Edg\//, "Edge"],
  [/Firefox\/|FxiOS/, "Firefox"],
  [/SamsungBrowser/, "Samsung Internet"],
  [/Chrome\/|CriOS/, "Chrome"],
  [/Safari\//, "Safari"],
];
const SYSTEMS: [RegExp, string][] = [
  [/iPhone|iPad/, "iOS"],
  [/Android/, "Android"],
  [/Windows/, "Windows"],
  [/Mac OS/, "macOS"],
  [/Linux/, "Linux"],
];

/** What a person calls this browser: "Chrome, Android". */
export function deviceName(userAgent: string): string {
  const of = (names: [RegExp, string][]) => names.find(([mark]) => mark.test(userAgent))?.[1];
  return [of(BROWSERS), of(SYSTEMS)].filter(Boolean).join(", ");
}

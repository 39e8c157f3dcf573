import { createHash } from "node:crypto";
import type { Plugin } from "vite";

interface Chunk {
  type: "chunk" | "asset";
  fileName: string;
  name?: string;
  isEntry?: boolean;
  imports?: string[];
  dynamicImports?: string[];
  source?: string | Uint8Array;
  viteMetadata?: { importedCss?: Set<string> };
}

/** Writes `sw.js`, which keeps the customer's pages in the browser, so that the conversation opens without a network. It
 * never touches the API: what is said lies in IndexedDB. One cache for each build; the next build's worker drops it. */
export function offline(): Plugin {
  return {
    name: "offline",
    apply: "build",
    enforce: "post",
    generateBundle(_options, bundle) {
      const chunks = bundle as unknown as Record<string, Chunk>;
      const entry = Object.values(chunks).find((chunk) => chunk.isEntry && chunk.name === "customer");
      if (!entry) return;
      const files = [...reachable(chunks, entry.fileName)].sort().map((file) => `/${file}`);
      const page = String(chunks["customer.html"]?.source);
      const build = createHash("sha256").update(files.join() + page).digest("hex").slice(0, 12);
      this.emitFile({ type: "asset", fileName: "sw.js", source: worker(build, files) });
    },
  };
}

function reachable(chunks: Record<string, Chunk>, file: string, found = new Set<string>()): Set<string> {
  const chunk = chunks[file];
  if (!chunk || found.has(file)) return found;
  found.add(file);
  for (const css of chunk.viteMetadata?.importedCss ?? []) found.add(css);
  for (const next of [...(chunk.imports ?? []), ...(chunk.dynamicImports ?? [])]) reachable(chunks, next, found);
  return found;
}

/** The conversation's page comes from the cache at once and a new build is there at the next visit; other pages come
 * from the network, and from the cache when there is none. */
function worker(build: string, files: string[]): string {
  return `// Written by the build.
const CACHE = "loupe-${build}";
const FILES = ${JSON.stringify(files)};
const PAGE = "/s/-"; // any shop's address is the same page

self.addEventListener("install", (event) => {
  event.waitUntil(
    caches.open(CACHE)
      .then((cache) => cache.addAll([...FILES, new Request(PAGE, { cache: "no-cache" })]))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches.keys()
      .then((names) => Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name))))
      .then(() => self.clients.claim()),
  );
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin) return;
  const kept = (key) => caches.open(CACHE).then((cache) => cache.match(key));
  if (request.mode === "navigate" && pathname.startsWith("/s/")) {
    const chat = /^\\/s\\/[^/]+\\/chat\\/?$/.test(pathname);
    event.respondWith(
      chat
        ? kept(PAGE).then((page) => page ?? fetch(request))
        : fetch(request).catch(async () => (await kept(PAGE)) ?? Response.error()),
    );
  } else if (FILES.includes(pathname)) {
    event.respondWith(kept(pathname).then((file) => file ?? fetch(request)));
  }
});
`;
}

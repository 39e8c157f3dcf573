import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { defineConfig, type Plugin } from "vite";
import { offline } from "./offline";

const PACKABLE = /\.(js|css|html|svg|json|webmanifest|map)$/;
const SMALLEST_WORTH_PACKING = 512;

/** Leaves a .br and a .gz beside every text file, so that the server never compresses. */
function precompressed(): Plugin {
  const pack = (folder: string): void => {
    for (const name of readdirSync(folder)) {
      const path = join(folder, name);
      if (statSync(path).isDirectory()) pack(path);
      else if (PACKABLE.test(name) && statSync(path).size >= SMALLEST_WORTH_PACKING) {
        const raw = readFileSync(path);
        writeFileSync(`${path}.br`, brotliCompressSync(raw, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }));
        writeFileSync(`${path}.gz`, gzipSync(raw, { level: 9 }));
      }
    }
  };
  return {
    name: "precompressed",
    apply: "build",
    writeBundle: (output) => pack(resolve(output.dir ?? "dist")),
  };
}

export default defineConfig({
  appType: "mpa",
  build: {
    target: ["chrome103", "safari16.4", "firefox110"],
    outDir: "dist",
    assetsDir: "assets",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    rolldownOptions: {
      input: Object.fromEntries(
        ["customer", "staff"]
          .map((name) => [name, resolve(__dirname, `${name}.html`)] as const)
          .filter(([, path]) => existsSync(path)),
      ),
    },
  },
  plugins: [offline(), precompressed()],
  test: { include: ["src/**/*.test.{ts,tsx}"] },
} as Parameters<typeof defineConfig>[0]);

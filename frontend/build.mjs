// Builds static/dist from frontend/ and the templates, and static/sdk/referral.* from frontend/sdk: `npm run build`,
// or both below another folder as its argument.
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

import { build } from "esbuild";
import subsetFont from "subset-font";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const modules = join(root, "node_modules");
const target = process.argv[2] ?? join(root, "static");
const out = join(target, "dist");
const sdk = join(target, "sdk");
// What shops put into their pages has to stay small, as it comes over the wire.
const SNIPPET_BYTES = 3 * 1024;
const PYTHON_APPS = ["core", "accounts", "programs", "tracking", "rewards", "engagement", "integrations", "analytics"];

// One sheet each for the console and for what participants and their friends see.
function styles(name) {
  execFileSync(
    process.execPath,
    [
      join(modules, "@tailwindcss", "cli", "dist", "index.mjs"),
      "--input", join(root, "frontend", `${name}.css`),
      "--output", join(out, `${name}.css`),
      "--minify",
    ],
    { cwd: root, stdio: ["ignore", "ignore", "inherit"] },
  );
}

async function scripts() {
  await build({
    absWorkingDir: root,
    entryPoints: ["frontend/js/app.js", "frontend/js/portal.js"],
    outdir: out,
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    legalComments: "none",
    logLevel: "warning",
  });
}

async function snippet() {
  const outfile = join(sdk, "referral.js");
  await build({
    absWorkingDir: root,
    entryPoints: ["frontend/sdk/referral.js"],
    outfile,
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2020",
    legalComments: "none",
    logLevel: "warning",
  });
  const bytes = gzipSync(readFileSync(outfile), { level: 9 }).length;
  if (bytes > SNIPPET_BYTES) throw new Error(`referral.js has ${bytes} bytes compressed, more than ${SNIPPET_BYTES}.`);
  copyFileSync(join(root, "frontend", "sdk", "referral.d.ts"), join(sdk, "referral.d.ts"));
}

function* files(folder, ending) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* files(path, ending);
    else if (entry.name.endsWith(ending)) yield path;
  }
}

// Only the icons that a template or a Python module names, as the inner part of their SVG.
function icons() {
  const exact = new Set();
  const maybe = new Set();
  for (const path of files(join(root, "templates"), ".html")) {
    const text = readFileSync(path, "utf8");
    for (const [, name] of text.matchAll(/\{%\s*icon\s+"([a-z0-9-]+)"/g)) exact.add(name);
    for (const [, name] of text.matchAll(/\bicon="([a-z0-9-]+)"/g)) exact.add(name);
  }
  for (const app of PYTHON_APPS) {
    for (const path of files(join(root, app), ".py")) {
      for (const [, name] of readFileSync(path, "utf8").matchAll(/["']?icon["']?\s*[=:]\s*"([a-z0-9-]+)"/g)) maybe.add(name);
    }
  }
  for (const [, name] of readFileSync(join(root, "accounts", "navigation.py"), "utf8").matchAll(/"([a-z0-9-]+)"/g)) maybe.add(name);
  const found = {};
  for (const name of [...exact, ...maybe].sort()) {
    let text;
    try {
      text = readFileSync(join(modules, "@tabler", "icons", "icons", "outline", `${name}.svg`), "utf8");
    } catch (error) {
      if (error.code !== "ENOENT") throw error;
      if (exact.has(name)) throw new Error(`A template names the icon "${name}", and Tabler has no such outline icon.`);
      continue;
    }
    found[name] = text
      .slice(text.indexOf(">", text.indexOf("<svg")) + 1, text.lastIndexOf("</svg>"))
      .replaceAll(/\s*\n\s*/g, "");
  }
  writeFileSync(join(out, "icons.json"), `${JSON.stringify(found, null, 0).replaceAll('","', '",\n"')}\n`);
}

// Latin letters and the signs the pages use; a letter outside falls back to the system's font.
async function font() {
  const ranges = [[0x20, 0x7e], [0xa0, 0xff], [0x2013, 0x2014], [0x2018, 0x201e]];
  const text = ranges.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, i) => String.fromCodePoint(from + i)));
  const source = readFileSync(join(modules, "@fontsource-variable", "inter", "files", "inter-latin-wght-normal.woff2"));
  const small = await subsetFont(source, [...text, ..."ŒœŠšŽžŸ…•€→←↑↓−×"].join(""), {
    targetFormat: "woff2",
    variationAxes: { wght: { min: 400, max: 700 } },
    noLayoutClosure: true,
  });
  writeFileSync(join(out, "inter.woff2"), small);
}

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
mkdirSync(sdk, { recursive: true });
icons();
await Promise.all([scripts(), snippet(), font()]);
styles("app");
styles("portal");

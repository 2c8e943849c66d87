// Bundles the extension into dist/, or with --tests the unit tests into build/test/.
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { build } from "esbuild";

const root = path.dirname(import.meta.dirname);
const tests = process.argv.includes("--tests");
const outdir = path.join(root, tests ? "build/test" : "dist");
const testFiles = () => readdirSync(path.join(root, "test")).filter((name) => name.endsWith(".test.ts"));

rmSync(outdir, { recursive: true, force: true });
const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: tests ? testFiles().map((name) => `test/${name}`) : ["src/extension.ts", "src/uninstall.ts"],
  outdir,
  bundle: true,
  // The language client's dependencies are found as ES modules, which bundle without leftovers.
  mainFields: ["module", "main"],
  format: "cjs",
  platform: "node",
  target: "node20",
  external: ["vscode"],
  minify: !tests,
  sourcemap: tests ? "inline" : false,
  legalComments: "none",
  metafile: true,
  logLevel: "warning",
});
if (!tests) {
  writeFileSync(path.join(outdir, "THIRD-PARTY-LICENSES.txt"), licenses(metafile));
}

/** The licenses of the packages that are in the bundle; one without a license file is an error. */
function licenses({ inputs }) {
  const folders = new Set();
  for (const input of Object.keys(inputs)) {
    const [inside] = /^.*node_modules\/(@[^/]+\/)?[^/]+/.exec(input) ?? [];
    if (inside) {
      folders.add(inside);
    }
  }
  return [...folders].sort().map(license).join("\n\n");
}

function license(folder) {
  const files = readdirSync(path.join(root, folder));
  const file = files.find((name) => /^licen[cs]e/i.test(name));
  if (!file) {
    throw new Error(`${folder} has no license file`);
  }
  const { name, version } = JSON.parse(readFileSync(path.join(root, folder, "package.json"), "utf8"));
  return `${name} ${version}\n\n${readFileSync(path.join(root, folder, file), "utf8").trim()}\n`;
}

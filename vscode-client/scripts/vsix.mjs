// Builds everything that ships: the wheel (with the Python named by $PYTHON), the bundle, the .vsix in ../dist/.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import path from "node:path";

/** Megabytes that nobody should have to download more than. */
const LIMIT = 40;

const root = path.dirname(import.meta.dirname);
const repository = path.dirname(root);
const python = process.env.PYTHON ?? "python3";
const wheels = path.join(root, "wheel");

function run(program, ...args) {
  execFileSync(program, args, { cwd: root, stdio: "inherit" });
}

if (!existsSync(path.join(root, "node_modules"))) {
  run("npm", "ci");
}
rmSync(wheels, { recursive: true, force: true });
run(python, "-m", "build", "--wheel", "--no-isolation", "--outdir", wheels, repository);
run(process.execPath, "scripts/bundle.mjs");

const { name, version } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
const [wheel] = readdirSync(wheels);
if (!wheel?.startsWith(`slm_lsp-${version}-`)) {
  throw new Error(`the wheel is ${wheel}, but the extension's version is ${version}`);
}
mkdirSync(path.join(repository, "dist"), { recursive: true });
const vsix = path.join(repository, "dist", `${name}-${version}.vsix`);
run(path.join(root, "node_modules/.bin/vsce"), "package", "--no-dependencies", "--no-rewrite-relative-links", "--allow-missing-repository", "--out", vsix);

const megabytes = statSync(vsix).size / 1e6;
console.log(`${vsix}: ${megabytes.toFixed(1)} MB`);
if (megabytes > LIMIT) {
  throw new Error(`more than ${LIMIT} MB`);
}

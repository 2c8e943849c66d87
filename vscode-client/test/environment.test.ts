import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { test } from "node:test";
import { Environments } from "../src/environment/environments";
import { install, inWords } from "../src/environment/install";
import { Held, withLock } from "../src/environment/lock";
import { environmentsToRemove, note } from "../src/environment/note";
import { Failed, run, Stopped } from "../src/environment/run";
import { findWheel, type Wheel } from "../src/environment/wheel";
import { firstUsable } from "../src/python/discovery";

const NAMES = ["python3.11", "python3.12", "python3.13", "python3"];
const python = firstUsable(NAMES.map((program) => ({ program, source: "the PATH", named: false })));

/** A real wheel with nothing in it but a module `slm_lsp.server` that knows its version. */
function makeWheel(folder: string, version: string, requires = ""): void {
  const script = `
import sys, zipfile
folder, version, requires = sys.argv[1:]
info = f"slm_lsp-{version}.dist-info"
with zipfile.ZipFile(f"{folder}/slm_lsp-{version}-py3-none-any.whl", "w") as wheel:
    wheel.writestr("slm_lsp/server/__main__.py", f"print('slm-lsp {version}')")
    wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\\nName: slm-lsp\\nVersion: {version}\\n{requires}\\n")
    wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    wheel.writestr(f"{info}/RECORD", "")
`;
  mkdirSync(folder, { recursive: true });
  execFileSync("python3", ["-c", script, folder, version, requires]);
}

async function wheelOf(version: string, requires = ""): Promise<{ wheel: Wheel; environments: Environments }> {
  const folder = mkdtempSync(path.join(tmpdir(), "slm-environment-"));
  makeWheel(path.join(folder, "wheel"), version, requires);
  const wheel = await findWheel(path.join(folder, "wheel"));
  assert.ok(wheel);
  return { wheel, environments: new Environments(path.join(folder, "storage", "environments")) };
}

class Ear {
  readonly sentences: string[] = [];
  readonly lines: string[] = [];
  readonly stop = new AbortController();
  constructor(private readonly stopAt = "never") {}
  progress(sentence: string): void {
    this.sentences.push(sentence);
    if (sentence.startsWith(this.stopAt)) {
      this.stop.abort();
    }
  }
  log(line: string): void {
    this.lines.push(line);
  }
}

test("an environment is made, found again, upgraded with the wheel, and removed", async () => {
  const { wheel, environments } = await wheelOf("1.0");
  const ear = new Ear();
  assert.equal(await environments.of(wheel), undefined);
  const made = await install(environments, wheel, await python, ear, ear.stop.signal);
  assert.deepEqual(await environments.of(wheel), made);
  assert.match(ear.sentences[0] ?? "", /^Making an environment with Python 3\.\d+/);
  assert.ok(ear.lines.includes("slm-lsp 1.0"));

  // A wheel of another version, as an upgraded extension would carry it.
  makeWheel(path.dirname(wheel.file), "0.9");
  const other = { file: wheel.file.replace("1.0", "0.9"), hash: "0".repeat(64) };
  assert.deepEqual(await environments.older(other), made);
  const newer = await install(environments, other, await python, ear, ear.stop.signal);
  await environments.removeOthers(other);
  assert.equal(existsSync(made.folder), false);
  assert.deepEqual(await environments.of(other), newer);
  assert.equal(await environments.older(other), undefined);

  await environments.removeAll();
  assert.equal(existsSync(environments.root), false);
});

test("what cannot be installed is a clear failure, and leaves nothing", async () => {
  const { wheel, environments } = await wheelOf("1.0", "Requires-Python: >=9.9");
  const ear = new Ear();
  await assert.rejects(install(environments, wheel, await python, ear, ear.stop.signal), (error) => {
    assert.ok(error instanceof Failed);
    assert.match(error.message, /requires a different Python/);
    return true;
  });
  assert.deepEqual(readdirSync(environments.root), []);
  assert.deepEqual(readdirSync(path.dirname(environments.root)), ["environments"]);
});

test("a stop is heard, and leaves nothing", async () => {
  const { wheel, environments } = await wheelOf("1.0");
  const ear = new Ear("Making an environment");
  await assert.rejects(install(environments, wheel, await python, ear, ear.stop.signal), Stopped);
  assert.deepEqual(readdirSync(environments.root), []);
});

test("a folder without its record is not an environment", async () => {
  const { wheel, environments } = await wheelOf("1.0");
  mkdirSync(environments.folderOf(wheel), { recursive: true });
  assert.equal(await environments.of(wheel), undefined);
  writeFileSync(path.join(environments.folderOf(wheel), "ready.json"), "{");
  assert.equal(await environments.of(wheel), undefined);
});

test("a running program is stopped", async () => {
  const stop = new AbortController();
  const sleeping = run(process.execPath, ["-e", "setTimeout(() => {}, 60000)"], () => undefined, stop.signal);
  setTimeout(() => {
    stop.abort();
  }, 50);
  await assert.rejects(sleeping, Stopped);
});

test("a build without a wheel has none", async () => {
  assert.equal(await findWheel("/no/such/folder"), undefined);
});

test("pip's lines in words", () => {
  assert.equal(inWords("Collecting numpy>=1.26 (from slm-lsp==0.1.0)"), "Collecting numpy");
  assert.equal(inWords("  Downloading onnxruntime-1.32.0-cp311-cp311-manylinux.whl (17.4 MB)"), "Downloading onnxruntime (17.4 MB)");
  assert.equal(inWords("Installing collected packages: a, b"), "Installing the packages");
  assert.equal(inWords("Requirement already satisfied: a"), undefined);
});

test("one installation at a time; the lock of a dead process is no lock", async () => {
  const file = path.join(mkdtempSync(path.join(tmpdir(), "slm-lock-")), "installing.lock");
  writeFileSync(file, "1");
  await assert.rejects(withLock(file, () => Promise.resolve()), Held);
  const dead = execFileSync(process.execPath, ["-p", "process.pid"], { encoding: "utf8" }).trim();
  writeFileSync(file, dead);
  assert.equal(await withLock(file, () => Promise.resolve(7)), 7);
  assert.equal(existsSync(file), false);
});

test("the uninstall script, as it ships, removes the environments that the note names", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "slm-lsp-uninstall-"));
  const environments = path.join(folder, "slm-lsp.slm-lsp", "environments");
  mkdirSync(path.join(environments, "abc"), { recursive: true });
  mkdirSync(path.join(folder, "extension", "dist"), { recursive: true });
  const script = path.join(folder, "extension", "dist", "uninstall.js");
  copyFileSync("dist/uninstall.js", script);
  execFileSync(process.execPath, [script]);
  assert.ok(existsSync(environments), "without a note nothing is removed");
  writeFileSync(path.join(folder, "extension", "environments.json"), note(environments));
  execFileSync(process.execPath, [script]);
  assert.ok(!existsSync(environments));
});

test("the uninstall script removes nothing but our environments", () => {
  const ours = "/home/me/.config/Code/User/globalStorage/slm-lsp.slm-lsp/environments";
  assert.deepEqual(environmentsToRemove(note(ours)), [ours]);
  for (const text of ["", "{}", "[1]", '["/home/me"]', '["/home/me/environments"]', '["slm-lsp/environments"]']) {
    assert.deepEqual(environmentsToRemove(text), []);
  }
});

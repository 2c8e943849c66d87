import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { test } from "node:test";
import { Environments } from "../src/environment/environments";
import { install, inWords } from "../src/environment/install";
import { lease } from "../src/environment/leases";
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

test("an environment whose Python is gone is none, so that it can be made anew", async () => {
  const { wheel, environments } = await wheelOf("1.0");
  const folder = environments.folderOf(wheel);
  const gone = path.join(path.dirname(environments.root), "python3.11");
  mkdirSync(path.join(folder, "bin"), { recursive: true });
  writeFileSync(path.join(folder, "ready.json"), "{}");
  writeFileSync(gone, "#!/bin/sh\n", { mode: 0o755 });
  symlinkSync(gone, path.join(folder, "bin", "python"));
  assert.ok(await environments.of(wheel));
  rmSync(gone);
  assert.equal(await environments.of(wheel), undefined);
  assert.equal(await environments.older({ ...wheel, hash: "0".repeat(64) }), undefined);
  assert.equal(existsSync(await environments.begin(wheel)), false, "there is room for another");
});

test("the environment that another living window runs from stays until that window is gone", async () => {
  const { wheel, environments } = await wheelOf("1.0");
  const [ours, old, theirs] = [wheel, ...["1", "2"].map((digit) => ({ ...wheel, hash: digit.repeat(64) }))].map(
    (each) => environments.folderOf(each),
  ) as [string, string, string];
  for (const folder of [ours, old, theirs]) {
    mkdirSync(folder, { recursive: true });
  }
  const other = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
  const ended = once(other, "close");
  try {
    assert.ok(other.pid);
    await lease(environments.root, path.basename(theirs), other.pid);
    await environments.use({ folder: ours, python: "" });
    await withLock(environments.lock, () => environments.removeOthers(wheel));
    assert.deepEqual([ours, old, theirs].map(existsSync), [true, true, true], "another window is making one");
    await environments.removeOthers(wheel);
    assert.deepEqual([ours, old, theirs].map(existsSync), [true, false, true]);
  } finally {
    other.kill("SIGKILL");
  }
  await ended;
  await environments.removeOthers(wheel);
  assert.deepEqual(readdirSync(environments.root).toSorted(), [path.basename(ours), `${process.pid}.lease`].toSorted());
});

test("a window that went on to a newer environment holds the older one no more", async () => {
  const { wheel, environments } = await wheelOf("1.0");
  const older = path.join(environments.root, "1".repeat(16));
  for (const folder of [environments.folderOf(wheel), older]) {
    mkdirSync(folder, { recursive: true });
  }
  await environments.use({ folder: older, python: "" });
  await environments.removeOthers(wheel);
  assert.ok(existsSync(older), "a failed upgrade goes on with the older one");
  await environments.use({ folder: environments.folderOf(wheel), python: "" });
  await environments.removeOthers(wheel);
  assert.ok(!existsSync(older));
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

import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { test } from "node:test";
import { firstUsable, NoPython, onThePath, pythonOf } from "../src/python/discovery";
import { isNewEnough, probe } from "../src/python/probe";

const folder = mkdtempSync(path.join(tmpdir(), "slm-python-"));

/** A program that answers like a Python of this version. */
function pythonOfVersion(version: string): string {
  const program = path.join(folder, `python${version}`);
  writeFileSync(program, `#!/bin/sh\necho ${program}\necho ${version.replaceAll(".", " ")}\n`);
  chmodSync(program, 0o755);
  return program;
}

const candidate = (program: string, source = "the PATH", named = false) => ({ program, source, named });

test("a real Python says what it is", async () => {
  const python = await probe("python3");
  assert.ok(python, "these tests need a python3 on the PATH");
  assert.equal(python.version[0], 3);
  assert.ok(path.isAbsolute(python.program));
});

test("what is no Python is none", async () => {
  assert.equal(await probe("/no/such/python"), undefined);
  assert.equal(await probe("true"), undefined);
});

test("3.11 is the oldest that will do", () => {
  assert.deepEqual(
    [[3, 10, 14], [3, 11, 0], [3, 9, 1], [4, 0, 0], [2, 7, 18]].map(isNewEnough),
    [false, true, false, true, false],
  );
});

test("the first that is new enough is taken", async () => {
  const found = await firstUsable([
    candidate("/no/such/python", "the Python extension"),
    candidate(pythonOfVersion("3.9.2"), ".venv in the workspace"),
    candidate(pythonOfVersion("3.12.1")),
    candidate(pythonOfVersion("3.13.0")),
  ]);
  assert.deepEqual(found.version, [3, 12, 1]);
  assert.equal(found.source, "the PATH");
});

test("when all are too old, the message names them", async () => {
  const old = pythonOfVersion("3.10.4");
  const message = new RegExp(`needs Python 3\\.11 or later\\. Too old: Python 3\\.10\\.4 \\(the PATH: ${old}\\)`);
  await assert.rejects(firstUsable([candidate(old)]), message);
});

test("when there is none, the message says so", async () => {
  await assert.rejects(firstUsable([candidate("/no/such/python")]), /No Python was found\. Install one/);
});

test("a project's old Python, named for the popup, is passed over; what is no Python is an error", async () => {
  const named = candidate(pythonOfVersion("3.9.1"), "slmLsp.pythonPath", true);
  const good = candidate(pythonOfVersion("3.12.1"));
  assert.deepEqual((await firstUsable([named, good])).version, [3, 12, 1]);
  await assert.rejects(firstUsable([named]), /Too old: Python 3\.9\.1 \(slmLsp\.pythonPath: /);
  await assert.rejects(firstUsable([candidate("/gone", "slmLsp.pythonPath", true), good]), (error) => {
    assert.ok(error instanceof NoPython);
    assert.match(error.message, /^slmLsp\.pythonPath names \/gone, which is not a Python that runs/);
    return true;
  });
});

test("environments and search paths of both kinds of system", () => {
  assert.equal(pythonOf("/e", "linux"), "/e/bin/python");
  assert.match(pythonOf("C:\\e", "win32"), /Scripts.python\.exe$/);
  assert.equal(onThePath("linux")[0]?.program, "python3");
  assert.equal(onThePath("win32")[0]?.program, "python");
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { hasNeighbor, type Installed } from "../src/python/neighbors";
import { told, type Around } from "../src/server/protocol";

const around: Around = { trusted: true, neighbor: false, python: "/project/.venv/bin/python" };
const settings = (set: Record<string, unknown>) => (key: string) => ({ pythonPath: "", neighbor: false, ...set })[key];

test("the server is told whether the workspace is trusted", () => {
  assert.equal(told(settings({}), around)["trusted"], true);
  assert.equal(told(settings({}), { ...around, trusted: false })["trusted"], false);
});

test("where no Python is named, the server is told of the selected one, but not in Restricted Mode", () => {
  assert.equal(told(settings({}), around)["pythonPath"], around.python);
  assert.equal(told(settings({ pythonPath: " " }), around)["pythonPath"], around.python);
  assert.equal(told(settings({ pythonPath: "/mine" }), around)["pythonPath"], "/mine");
  assert.equal(told(settings({}), { ...around, trusted: false })["pythonPath"], "");
  assert.equal(told(settings({}), { ...around, python: "" })["pythonPath"], "");
});

test("a value of the wrong kind is the server's to name", () => {
  assert.equal(told(settings({ pythonPath: 3 }), around)["pythonPath"], 3);
});

test("the user may name a neighbor that is not noticed", () => {
  assert.equal(told(settings({}), around)["neighbor"], false);
  assert.equal(told(settings({ neighbor: true }), around)["neighbor"], true);
  assert.equal(told(settings({}), { ...around, neighbor: true })["neighbor"], true);
});

const PYTHON = "ms-python.python";
const PYLANCE = "ms-python.vscode-pylance";

function editor(extensions: string[], set: Record<string, unknown> = {}, trusted = true): Installed {
  return { has: (extension) => extensions.includes(extension), setting: (name) => set[name], trusted };
}

test("the Python extension's own Jedi is a neighbor, and so is Pylance", () => {
  assert.equal(hasNeighbor(editor([])), false);
  for (const [extensions, languageServer, expected] of [
    [[PYTHON], "Jedi", true],
    [[PYTHON], "Default", true],
    [[PYTHON], undefined, true],
    [[PYTHON], "Pylance", false],
    [[PYTHON], "None", false],
    [[PYTHON, PYLANCE], "Default", true],
    [[PYTHON, PYLANCE], "Pylance", true],
    [[PYTHON, PYLANCE], "None", false],
  ] as const) {
    const installed = editor([...extensions], { "python.languageServer": languageServer });
    assert.equal(hasNeighbor(installed), expected, `${extensions.join(" and ")}, ${languageServer ?? "nothing set"}`);
  }
});

test("in Restricted Mode the Python extension starts Pylance alone", () => {
  assert.equal(hasNeighbor(editor([PYTHON], {}, false)), false);
  assert.equal(hasNeighbor(editor([PYTHON, PYLANCE], {}, false)), true);
});

test("a Pyright counts without the Python extension's server, unless its completions are switched off", () => {
  const off = { "python.languageServer": "None" };
  for (const [extension, section] of [["ms-pyright.pyright", "pyright"], ["detachhead.basedpyright", "basedpyright"]]) {
    assert.equal(hasNeighbor(editor([PYTHON, extension ?? ""], off)), true, extension);
    const silent = { ...off, [`${section ?? ""}.disableLanguageServices`]: true };
    assert.equal(hasNeighbor(editor([PYTHON, extension ?? ""], silent)), false, extension);
  }
});

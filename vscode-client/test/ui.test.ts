import assert from "node:assert/strict";
import { test } from "node:test";
import type { Status } from "../src/server/protocol";
import { explain, type Circumstances } from "../src/ui/explain";
import { look, type View } from "../src/ui/look";
import { entries, type Situation } from "../src/ui/menu";

const status: Status = {
  version: "0.1.0",
  state: "ready",
  model: { name: "shop-adapt-1f3a", why: "in use for this workspace" },
  errors: {},
  inline: { last: "shown", requests: 3, p50_ms: 14.6 },
};
const view: View = {
  server: { kind: "running" },
  settingUp: false,
  enabled: true,
  paused: undefined,
  thinking: false,
  status,
};

test("the status bar names the model and what it does", () => {
  assert.equal(look(view).text, "$(sparkle) slm: shop-adapt-1f3a");
  assert.match(look(view).tooltip, /in use for this workspace[^]*15 ms/);
  assert.equal(look({ ...view, thinking: true }).text, "$(loading~spin) slm: shop-adapt-1f3a");
  assert.equal(look({ ...view, paused: "file" }).text, "$(debug-pause) slm: paused");
  assert.equal(look({ ...view, enabled: false }).text, "$(circle-slash) slm: off");
  assert.equal(look({ ...view, status: undefined }).text, "$(loading~spin) slm: loading");
  assert.equal(look({ ...view, settingUp: true }).text, "$(sync~spin) slm: setting up");
});

test("what is wrong stands out, with its reason", () => {
  const broken: Status = { ...status, state: "no model", model: null, errors: { base: "config.json is damaged" } };
  assert.deepEqual(look({ ...view, status: broken }), {
    text: "$(error) slm: no model",
    tooltip: "config.json is damaged",
    severity: "error",
  });
  const given = look({ ...view, server: { kind: "given up", reason: "It ended 6 times" } });
  assert.deepEqual([given.severity, given.tooltip], ["error", "It ended 6 times"]);
  const missing = look({ ...view, server: { kind: "not set up", reason: "not set up yet" } });
  assert.deepEqual([missing.severity, missing.text], ["warning", "$(cloud-download) slm: set up"]);
});

const now: Circumstances = {
  server: { kind: "running" },
  document: { uri: "file:///w/a.py", language: "python" },
  paused: undefined,
  enabled: true,
  editorShows: true,
  status: {
    ...status,
    why: { uri: "file:///w/a.py", line: 4, character: 8, outcome: "low confidence", reason: "Only 12% sure." },
  },
};

test("why: the server's reason, and where", () => {
  assert.equal(explain(now), "Line 5, column 9: Only 12% sure.");
  const elsewhere = { ...now, document: { uri: "file:///w/b.py", language: "python" } };
  assert.equal(explain(elsewhere), "Line 5, column 9 of a.py: Only 12% sure.");
});

test("why: a server that gives no reason", () => {
  assert.equal(explain({ ...now, status }), "The last request ended with: shown.");
  assert.match(explain({ ...now, status: { ...status, inline: { last: null, requests: 0, p50_ms: null } } }), /^Nothing has been asked/);
  assert.match(explain({ ...now, status: undefined }), /does not answer/);
});

test("why: what stands in the way goes first", () => {
  assert.equal(explain({ ...now, server: { kind: "given up", reason: "It crashed." } }), "It crashed.");
  assert.match(explain({ ...now, server: { kind: "starting" } }), /does not run \(starting\)/);
  assert.match(explain({ ...now, document: undefined }), /No file is open/);
  assert.match(explain({ ...now, document: { uri: "x", language: "go" } }), /the language of this file is go/);
  assert.match(explain({ ...now, paused: "workspace" }), /paused in this workspace/);
  assert.match(explain({ ...now, enabled: false }), /slmLsp\.inline\.enabled is off/);
  assert.match(explain({ ...now, editorShows: false }), /editor\.inlineSuggest\.enabled is off/);
});

const situation: Situation = {
  server: { kind: "running" },
  isTheUsers: false,
  hasDocument: true,
  paused: undefined,
  model: "base",
  counts: "",
};
const commands = (changes: Partial<Situation>): string[] =>
  entries({ ...situation, ...changes }).map((entry) => entry.command.replace("slmLsp.", ""));

test("the menu offers what makes sense now", () => {
  assert.deepEqual(commands({ server: { kind: "not set up", reason: "" } }), ["setUp", "showLog"]);
  const givenUp = { kind: "given up", reason: "" } as const;
  assert.deepEqual(commands({ server: givenUp }), ["why", "restart", "setUp", "showLog"]);
  assert.deepEqual(commands({ server: givenUp, isTheUsers: true }), ["why", "restart", "showLog"]);
  assert.deepEqual(commands({ server: { kind: "starting" } }), ["why", "restart", "showLog"]);
  assert.ok(commands({}).includes("removeEnvironment"));
  assert.ok(!commands({ isTheUsers: true }).includes("removeEnvironment"));
  assert.ok(!commands({ hasDocument: false }).includes("pauseFile"));
  assert.ok(!commands({ paused: "workspace" }).includes("pauseFile"));
  assert.ok(entries({ ...situation, paused: "file" }).some((entry) => entry.label.includes("Resume in this file")));
});

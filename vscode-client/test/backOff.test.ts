import assert from "node:assert/strict";
import { test } from "node:test";
import { BackOff } from "../src/server/backOff";

const plan = { delays: [1, 4], memory: 100 };

test("each crash waits longer, the last one gives up and says how fast it went", () => {
  const backOff = new BackOff(plan);
  assert.deepEqual(backOff.crashed(0), { kind: "again", seconds: 1, attempt: 1, attempts: 2 });
  assert.deepEqual(backOff.crashed(10), { kind: "again", seconds: 4, attempt: 2, attempts: 2 });
  assert.deepEqual(backOff.crashed(20), { kind: "give up", crashes: 3, seconds: 20 });
});

test("old crashes are forgotten", () => {
  const backOff = new BackOff(plan);
  backOff.crashed(0);
  backOff.crashed(1);
  assert.deepEqual(backOff.crashed(100), { kind: "again", seconds: 4, attempt: 2, attempts: 2 });
});

test("a start that the user asked for begins anew", () => {
  const backOff = new BackOff(plan);
  backOff.crashed(0);
  backOff.reset();
  assert.equal(backOff.crashed(1).kind, "again");
  assert.equal(backOff.crashed(2).kind, "again");
});

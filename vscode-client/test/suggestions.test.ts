import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { test } from "node:test";
import { Activity } from "../src/suggestions/activity";
import { Counts, inWords, type Store } from "../src/suggestions/counts";
import { follow } from "../src/suggestions/offer";
import { Pause } from "../src/suggestions/pause";

class Memory implements Store {
  readonly kept = new Map<string, unknown>();
  get(key: string): unknown {
    return this.kept.get(key);
  }
  update(key: string, value: unknown): Promise<void> {
    this.kept.set(key, value);
    return Promise.resolve();
  }
}

const offer = { uri: "file:///a.py", place: { line: 2, character: 4 }, text: "add(ids=[x])\n    done" };
const typed = (text: string, place = offer.place) => ({ uri: offer.uri, start: place, end: place, text });

test("typing along leaves the rest and counts nothing", () => {
  assert.deepEqual(follow(offer, typed("a")), {
    offer: { uri: offer.uri, place: { line: 2, character: 5 }, text: "dd(ids=[x])\n    done" },
    partly: false,
  });
});

test("a word and a line at once are acceptances in part", () => {
  assert.equal(follow(offer, typed("add")).partly, true);
  const line = follow(offer, typed("add(ids=[x])\n    "));
  assert.deepEqual(line.offer?.place, { line: 3, character: 4 });
  assert.equal(line.partly, true);
});

test("anything else is the end of the offer", () => {
  const elsewhere = { line: 2, character: 5 };
  for (const edit of [
    typed("x"),
    typed(""),
    typed(offer.text),
    typed("a", elsewhere),
    { ...typed("a"), uri: "file:///b.py" },
    { ...typed("a"), end: elsewhere },
  ]) {
    assert.deepEqual(follow(offer, edit), { offer: undefined, partly: false });
  }
});

test("counts survive in the store, say since when, and begin anew when asked", async () => {
  const memory = new Memory();
  const counts = new Counts(memory, () => "2026-01-02");
  await counts.add("accepted");
  await counts.add("accepted");
  await counts.add("partly");
  await counts.add("dismissed");
  const later = new Counts(memory, () => "2026-03-04");
  assert.match(inWords(later.numbers), /^Since 2026-01-02: 2 accepted, 1 accepted in part, 1 dismissed\./);
  await later.reset();
  assert.deepEqual(later.numbers, { since: "2026-03-04", accepted: 0, partly: 0, dismissed: 0 });
});

test("a file is paused alone, the workspace as a whole and for good", async () => {
  const memory = new Memory();
  let changes = 0;
  const pause = new Pause(memory, () => (changes += 1));
  pause.toggleFile("a");
  assert.deepEqual([pause.of("a"), pause.of("b"), pause.of(undefined)], ["file", undefined, undefined]);
  await pause.toggleWorkspace();
  assert.equal(new Pause(memory, () => undefined).of("b"), "workspace");
  await pause.toggleWorkspace();
  pause.toggleFile("a");
  assert.equal(pause.of("a"), undefined);
  assert.equal(changes, 4);
});

test("thinking shows only when an answer takes its time", async () => {
  const seen: boolean[] = [];
  let settled = 0;
  const activity: Activity = new Activity(
    () => seen.push(activity.thinking),
    () => (settled += 1),
    20,
  );
  activity.asked(Promise.resolve());
  await sleep(60);
  assert.deepEqual(seen, []);
  activity.asked(sleep(100));
  activity.asked(Promise.reject(new Error("cancelled")));
  await sleep(60);
  assert.deepEqual(seen, [true]);
  await sleep(100);
  assert.deepEqual([seen, settled], [[true, false], 3]);
});

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { test } from "node:test";
import { BackOff } from "../src/server/backOff";
import { shakeHands } from "../src/server/handshake";
import { hasFailed, Lifecycle, NotSetUp, type Connection, type ServerState } from "../src/server/lifecycle";
import { startProcess, type ServerProcess } from "../src/server/process";

/** Servers that start at once and end when told to. */
class Stage {
  readonly states: string[] = [];
  readonly reasons: string[] = [];
  started = 0;
  stopped = 0;
  crash: (reason: string) => void = () => undefined;
  refusal: Error | undefined;

  readonly lifecycle: Lifecycle<Connection>;

  constructor(delays: number[]) {
    const hooks = {
      connect: () => this.connect(),
      changed: (state: ServerState) => {
        this.states.push(state.kind);
        if ("reason" in state) {
          this.reasons.push(state.reason);
        }
      },
      log: () => undefined,
    };
    this.lifecycle = new Lifecycle(hooks, new BackOff({ delays, memory: 60 }));
  }

  private async connect(): Promise<Connection> {
    await sleep(1);
    if (this.refusal) {
      throw this.refusal;
    }
    this.started += 1;
    const ended = new Promise<string>((resolve) => {
      this.crash = resolve;
    });
    const stop = (): Promise<void> => {
      this.stopped += 1;
      return Promise.resolve();
    };
    return { ended, stop };
  }
}

test("two starts at once start one server", async () => {
  const stage = new Stage([0.01]);
  await Promise.all([stage.lifecycle.start(), stage.lifecycle.start()]);
  assert.equal(stage.started, 1);
  assert.deepEqual(stage.states, ["starting", "running"]);
});

test("a crash brings another server", async () => {
  const stage = new Stage([0.01]);
  await stage.lifecycle.start();
  stage.crash("killed");
  await sleep(100);
  assert.equal(stage.started, 2);
  assert.deepEqual(stage.states, ["starting", "running", "waiting", "starting", "running"]);
  assert.deepEqual(stage.reasons, ["killed"]);
});

test("after too many crashes it gives up and says why, until the user asks", async () => {
  const stage = new Stage([0.01]);
  await stage.lifecycle.start();
  stage.crash("first");
  await sleep(100);
  stage.crash("second");
  await sleep(100);
  assert.equal(stage.lifecycle.state.kind, "given up");
  assert.match(stage.reasons.at(-1) ?? "", /ended 2 times within 0 seconds; the last time: second/);
  await stage.lifecycle.restart();
  assert.equal(stage.lifecycle.state.kind, "running");
});

test("a server that cannot be started is a crash; one that is not set up is not", async () => {
  const stage = new Stage([0.01]);
  stage.refusal = new NotSetUp("no environment");
  await stage.lifecycle.start();
  assert.deepEqual(stage.lifecycle.state, { kind: "not set up", reason: "no environment" });
  stage.refusal = new Error("no such program");
  await stage.lifecycle.start();
  await sleep(100);
  assert.equal(stage.lifecycle.state.kind, "given up");
});

test("stopping ends the server, and no timer brings it back", async () => {
  const stage = new Stage([0.05]);
  await stage.lifecycle.start();
  stage.crash("killed");
  await sleep(10);
  await stage.lifecycle.stop();
  await sleep(150);
  assert.equal(stage.started, 1);
  assert.equal(stage.lifecycle.state.kind, "off");
});

/** A real program that never says a word, met by an editor with this much patience. */
class Mute {
  readonly started: ServerProcess[] = [];
  readonly states: string[] = [];
  readonly lifecycle: Lifecycle<Connection>;

  constructor(patience: number) {
    const connect = async (unwanted: AbortSignal): Promise<Connection> => {
      const command = { program: process.execPath, args: ["-e", "setInterval(() => {}, 1000)"] };
      const server = await startProcess(command, undefined, () => undefined);
      this.started.push(server);
      await shakeHands(server, new Promise(() => undefined), unwanted, patience);
      throw new Error("nothing was said, and yet heard");
    };
    this.lifecycle = new Lifecycle(
      { connect, changed: ({ kind }) => this.states.push(kind), log: () => undefined },
      new BackOff({ delays: [], memory: 60 }),
    );
  }
}

test("a server that never answers is ended, and is a crash", async () => {
  const mute = new Mute(50);
  await mute.lifecycle.start();
  assert.ok(hasFailed(mute.lifecycle.state));
  assert.match(JSON.stringify(mute.lifecycle.state), /did not answer within 0\.05 seconds/);
  assert.match((await mute.started[0]?.ended) ?? "", /ended by SIGKILL/);
});

test("who does not want to wait for an answer need not", async () => {
  const mute = new Mute(60_000);
  const starting = mute.lifecycle.start();
  while (mute.started.length === 0) {
    await sleep(5);
  }
  await Promise.all([starting, mute.lifecycle.stop()]);
  assert.deepEqual(mute.states, ["starting", "off"]);
  assert.match((await mute.started[0]?.ended) ?? "", /ended by SIGKILL/);
});

test("a server that ends instead of answering says how", async () => {
  const command = { program: process.execPath, args: ["-e", "console.error('no model'); process.exitCode = 4"] };
  const server = await startProcess(command, undefined, () => undefined);
  const broken = server.ended.then(() => Promise.reject(new Error("the stream broke")));
  const never = new AbortController().signal;
  await assert.rejects(shakeHands(server, broken, never, 60_000), /exit code 4: no model/);
});

test("a restart stops the old server first", async () => {
  const stage = new Stage([0.01]);
  await stage.lifecycle.start();
  await Promise.all([stage.lifecycle.restart(), stage.lifecycle.restart()]);
  assert.deepEqual([stage.started, stage.stopped], [3, 2]);
});

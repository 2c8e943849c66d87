/**
 * The wait for a server's first answer, which may never come.
 *
 * Knows: that a process ends, hangs or is wanted no more. Must not know: LSP, the editor.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { ServerProcess } from "./process";

/** Milliseconds that a server has to answer `initialize`; it takes well under a second on a quiet machine. */
const PATIENCE = 30_000;

/** Milliseconds that a process has to end after its streams broke. */
const LAST_WORDS = 500;

/**
 * Wait until `hello` resolves.
 *
 * Kills the process and rejects when `hello` does, when the process ends, when neither happens in time, or when
 * `unwanted` is aborted.
 */
export async function shakeHands(
  server: ServerProcess,
  hello: Promise<unknown>,
  unwanted: AbortSignal,
  patience = PATIENCE,
): Promise<void> {
  const ended = server.ended.then((reason) => Promise.reject(new Error(reason)));
  const hangs = sleep(patience, undefined, { signal: unwanted, ref: false }).then(() => {
    throw new Error(`The server did not answer within ${patience / 1000} seconds and was ended.`);
  });
  try {
    await Promise.race([hello, ended, hangs]);
  } catch (error) {
    // A process that has just ended says more than the stream that broke with it.
    const reason = unwanted.aborted ? undefined : await Promise.race([server.ended, sleep(LAST_WORDS)]);
    server.child.kill("SIGKILL"); // One that hangs may not listen to anything milder.
    throw reason ? new Error(reason) : error;
  }
}

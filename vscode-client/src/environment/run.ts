/**
 * A program run to its end, with its output as it comes, and a way to stop it.
 *
 * Knows: child processes. Must not know: what is run.
 */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** Lines of output kept to explain a failure. */
const KEPT = 8;

export class Failed extends Error {}
export class Stopped extends Error {}

/** Run a program; rejects with Failed, which holds the last lines it wrote, or Stopped. */
export async function run(
  program: string,
  args: readonly string[],
  line: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  throwIfStopped(signal);
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], windowsHide: true });
  const stop = (): void => {
    child.kill();
  };
  signal.addEventListener("abort", stop, { once: true });
  const tail: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (text) => {
      tail.push(text);
      tail.splice(0, tail.length - KEPT);
      line(text);
    });
  }
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", resolve);
    });
    throwIfStopped(signal);
    if (code !== 0) {
      throw new Failed(tail.join("\n").trim() || `${program} ended with exit code ${code ?? "unknown"}`);
    }
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

function throwIfStopped(signal: AbortSignal): void {
  if (signal.aborted) {
    throw new Stopped();
  }
}

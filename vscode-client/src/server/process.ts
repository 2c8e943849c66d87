/**
 * The server's process: started, and listened to for how it ends.
 *
 * Knows: child processes. Must not know: LSP.
 */
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import type { Command } from "./command";

/** Bytes of stderr kept to explain an end. */
const KEPT = 4_000;

export interface ServerProcess {
  readonly child: ChildProcessWithoutNullStreams;
  /** Resolves when the process has ended, with a sentence that says how; never rejects. */
  readonly ended: Promise<string>;
}

/** Start a server; `log` receives what it writes to stderr. Rejects when the program cannot be started. */
export async function startProcess(
  command: Command,
  cwd: string | undefined,
  log: (text: string) => void,
): Promise<ServerProcess> {
  const child = spawn(command.program, command.args, { cwd, stdio: "pipe", windowsHide: true });
  let tail = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    tail = (tail + text).slice(-KEPT);
    log(text.trimEnd());
  });
  const ended = new Promise<string>((resolve) => {
    child.once("close", (code, signal) => {
      resolve(howItEnded(code, signal, tail));
    });
  });
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (error) => {
      reject(new Error(`${command.program} cannot be started: ${error.message}`));
    });
  });
  return { child, ended };
}

/** A sentence about an end; the last line of stderr says most. */
export function howItEnded(code: number | null, signal: string | null, stderr: string): string {
  const how = signal ? `The server was ended by ${signal}` : `The server ended with exit code ${code ?? "unknown"}`;
  const last = stderr.trim().split(/\r?\n/).at(-1)?.trim();
  return last ? `${how}: ${last}` : `${how}.`;
}

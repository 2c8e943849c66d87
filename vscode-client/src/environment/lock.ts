/**
 * One installation at a time on this machine, whatever the number of windows.
 *
 * Knows: a lock file with the holder's process id. Must not know: what it guards.
 */
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import * as path from "node:path";

/** Another living process holds the lock. */
export class Held extends Error {}

/** Do some work while holding the lock `file`; rejects with Held when another process holds it. */
export async function withLock<T>(file: string, work: () => Promise<T>): Promise<T> {
  await mkdir(path.dirname(file), { recursive: true });
  await acquire(file);
  try {
    return await work();
  } finally {
    await rm(file, { force: true });
  }
}

async function acquire(file: string): Promise<void> {
  const text = String(process.pid);
  try {
    await writeFile(file, text, { flag: "wx" });
  } catch {
    const holder = Number(await readFile(file, "utf8").catch(() => ""));
    if (holder && isAlive(holder)) {
      throw new Held("Another window is setting up slm-lsp. Try again when it is done.");
    }
    await writeFile(file, text);
  }
}

/** Whether a process of this machine runs. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Someone else's process is alive too.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/**
 * Which environments the windows of this machine run from.
 *
 * Knows: one small file a window, `ROOT/PID.lease`, with the name of its environment. Must not know: what an
 * environment is. The lease of a process that has ended is none, so nobody has to give one back.
 */
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { isAlive } from "./lock";

const ENDING = ".lease";

/** This window runs from the environment `name` from now on, and from no other. */
export async function lease(root: string, name: string, pid: number = process.pid): Promise<void> {
  await writeFile(path.join(root, `${pid}${ENDING}`), name);
}

/** The names of the environments that a living window runs from. */
export async function leased(root: string): Promise<Set<string>> {
  const files = (await readdir(root).catch(() => [])).filter((name) => name.endsWith(ENDING));
  const names = await Promise.all(
    files.map(async (name) => {
      const file = path.join(root, name);
      if (isAlive(Number(name.slice(0, -ENDING.length)))) {
        return readFile(file, "utf8").catch(() => "");
      }
      await rm(file, { force: true });
      return "";
    }),
  );
  return new Set(names.filter(Boolean));
}

/**
 * The server's own Python environments on disk: one a wheel, so that an upgrade never breaks the one in use.
 *
 * Knows: their folders and the record that says one is complete. Must not know: how one is filled, the editor.
 *
 *     ROOT/HASH/              a virtual environment
 *     ROOT/HASH/ready.json    written last: {"python": …, "made": …}
 *     ROOT/PID.lease          the environment that a window runs from
 */
import { constants } from "node:fs";
import { access, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { pythonOf } from "../python/discovery";
import { lease, leased } from "./leases";
import { withLock } from "./lock";
import type { Wheel } from "./wheel";

const RECORD = "ready.json";
const DIGITS = 16;

/** A complete environment. */
export interface Environment {
  readonly folder: string;
  readonly python: string;
}

export class Environments {
  constructor(readonly root: string) {}

  /** The lock to hold while environments are made or removed. */
  get lock(): string {
    return path.join(path.dirname(this.root), "installing.lock");
  }

  /** Where the environment of a wheel belongs. */
  folderOf(wheel: Wheel): string {
    return path.join(this.root, wheel.hash.slice(0, DIGITS));
  }

  /** The complete environment of a wheel; undefined where there is none. */
  async of(wheel: Wheel): Promise<Environment | undefined> {
    return open(this.folderOf(wheel));
  }

  /** A complete environment of another wheel: what an older version of this extension left. */
  async older(wheel: Wheel): Promise<Environment | undefined> {
    for (const folder of await this.folders()) {
      const environment = folder === this.folderOf(wheel) ? undefined : await open(folder);
      if (environment) {
        return environment;
      }
    }
    return undefined;
  }

  /** Make room for a wheel's environment: removes what an interrupted installation left. */
  async begin(wheel: Wheel): Promise<string> {
    const folder = this.folderOf(wheel);
    await rm(folder, { recursive: true, force: true });
    await mkdir(this.root, { recursive: true });
    return folder;
  }

  /** The environment of a wheel is complete. */
  async finish(wheel: Wheel, python: string): Promise<Environment> {
    const folder = this.folderOf(wheel);
    await writeFile(path.join(folder, RECORD), JSON.stringify({ python, made: new Date().toISOString() }));
    return { folder, python: pythonOf(folder) };
  }

  /** This window runs from an environment from now on; none that a window runs from is removed as an old one. */
  async use(environment: Environment): Promise<void> {
    await lease(this.root, path.basename(environment.folder));
  }

  /** Remove the environments of all wheels but this one, unless a living window runs from them or makes one. */
  async removeOthers(wheel: Wheel): Promise<void> {
    const inUse = await leased(this.root);
    const isOther = (folder: string): boolean => folder !== this.folderOf(wheel) && !inUse.has(path.basename(folder));
    const others = (await this.folders()).filter(isOther);
    if (others.length === 0) {
      return;
    }
    const remove = (folder: string): Promise<void> => rm(folder, { recursive: true, force: true });
    // What cannot be removed now will be with another start.
    await withLock(this.lock, () => Promise.allSettled(others.map(remove))).catch(() => undefined);
  }

  /** Remove the environment of a wheel. */
  async remove(wheel: Wheel): Promise<void> {
    await rm(this.folderOf(wheel), { recursive: true, force: true });
  }

  /** Remove all environments; rejects where a file is held. */
  async removeAll(): Promise<void> {
    await rm(this.root, { recursive: true, force: true, maxRetries: 3 });
  }

  private async folders(): Promise<string[]> {
    const entries = await readdir(this.root, { withFileTypes: true }).catch(() => []);
    return entries.filter((entry) => entry.isDirectory()).map((entry) => path.join(this.root, entry.name));
  }
}

/** The environment in a folder; undefined where it is not complete, or the Python that it was made with is gone. */
async function open(folder: string): Promise<Environment | undefined> {
  const python = pythonOf(folder);
  try {
    JSON.parse(await readFile(path.join(folder, RECORD), "utf8"));
    await access(python, constants.X_OK); // A link, mostly: this asks for what it leads to.
    return { folder, python };
  } catch {
    return undefined;
  }
}

/**
 * The wheel that this extension carries.
 *
 * Knows: where it lies and what identifies it. Must not know: how it is installed.
 */
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import * as path from "node:path";

export interface Wheel {
  readonly file: string;
  /** Of its bytes: another build is another wheel, whatever its version says. */
  readonly hash: string;
}

/** The wheel in `folder`; undefined where the extension was built without one. */
export async function findWheel(folder: string): Promise<Wheel | undefined> {
  const names = await readdir(folder).catch(() => []);
  const name = names.find((each) => each.endsWith(".whl"));
  if (!name) {
    return undefined;
  }
  const file = path.join(folder, name);
  return { file, hash: createHash("sha256").update(await readFile(file)).digest("hex") };
}

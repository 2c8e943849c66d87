/**
 * What a Python is, found out by asking it.
 *
 * Knows: the oldest version that will do. Must not know: where Pythons are looked for.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** The oldest Python that the server runs on, as `requires-python` of its wheel says. */
export const OLDEST: Version = [3, 11];

/** Milliseconds that a Python has to say its version. */
const PATIENCE = 15_000;

const QUESTION = "import sys; print(sys.executable); print(*sys.version_info[:3])";

export type Version = readonly number[];

export interface Python {
  /** Its program, as it names itself. */
  readonly program: string;
  readonly version: Version;
}

/** Ask a program which Python it is; undefined where there is none or it does not answer. */
export async function probe(program: string): Promise<Python | undefined> {
  try {
    const asked = await promisify(execFile)(program, ["-I", "-c", QUESTION], { timeout: PATIENCE, windowsHide: true });
    const [executable, version] = asked.stdout.trim().split(/\r?\n/);
    const numbers = version?.split(" ").map(Number) ?? [];
    return numbers.length === 3 && numbers.every(Number.isInteger)
      ? { program: executable ?? program, version: numbers }
      : undefined;
  } catch {
    return undefined;
  }
}

export function isNewEnough(version: Version): boolean {
  const [major = 0, minor = 0] = version;
  const [wantedMajor = 0, wantedMinor = 0] = OLDEST;
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

/** A version as people write it. */
export function dotted(version: Version): string {
  return version.join(".");
}

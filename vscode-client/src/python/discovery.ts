/**
 * The Python that an environment is made with: the first of some candidates that is new enough.
 *
 * Knows: in which order a choice is made and what to say when there is none. Must not know: the editor.
 */
import * as path from "node:path";
import { dotted, isNewEnough, OLDEST, probe, type Python } from "./probe";

/** A Python to try, and how to speak of it. */
export interface Candidate {
  readonly program: string;
  /** Where it comes from, for the user: "slmLsp.pythonPath", "the PATH". */
  readonly source: string;
  /** The user named it: if it is no Python, that is an error, and nothing else is tried. */
  readonly named: boolean;
}

export interface Found extends Python {
  readonly source: string;
}

/** No Python will do; the message says which were found and what to do. */
export class NoPython extends Error {}

/**
 * The first candidate that is a Python of at least 3.11; raises NoPython.
 *
 * One that the user named and that is older is passed over: it may be the project's, named for the popup.
 */
export async function firstUsable(
  candidates: readonly Candidate[],
  ask: (program: string) => Promise<Python | undefined> = probe,
): Promise<Found> {
  const tooOld = new Set<string>();
  for (const { program, source, named } of candidates) {
    const python = await ask(program);
    if (python && isNewEnough(python.version)) {
      return { ...python, source };
    }
    if (python) {
      tooOld.add(`Python ${dotted(python.version)} (${source}: ${python.program})`);
    } else if (named) {
      const wanted = `slm-lsp needs Python ${dotted(OLDEST)} or later`;
      throw new NoPython(`${source} names ${program}, which is not a Python that runs; ${wanted}.`);
    }
  }
  const found = tooOld.size ? `Too old: ${[...tooOld].join(", ")}.` : "No Python was found.";
  throw new NoPython(
    `slm-lsp needs Python ${dotted(OLDEST)} or later. ${found} Install one, or name one in slmLsp.pythonPath.`,
  );
}

/** Where a virtual environment below a folder has its Python. */
export function pythonOf(environment: string, platform: NodeJS.Platform = process.platform): string {
  return platform === "win32" ? path.join(environment, "Scripts", "python.exe") : path.join(environment, "bin", "python");
}

/** The Pythons of a search path: the usual names first, then the versions we know to be new enough. */
export function onThePath(platform: NodeJS.Platform = process.platform): Candidate[] {
  const versions = [14, 13, 12, 11].map((minor) => `python3.${minor}`);
  const names = platform === "win32" ? ["python", "python3"] : ["python3", "python", ...versions];
  return names.map((program) => ({ program, source: "the PATH", named: false }));
}

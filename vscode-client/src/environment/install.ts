/**
 * Makes an environment: a virtual environment with the wheel and what it depends on.
 *
 * Knows: venv and pip. Must not know: the editor; progress goes out as short sentences.
 */
import { dotted } from "../python/probe";
import { pythonOf, type Found } from "../python/discovery";
import type { Environment, Environments } from "./environments";
import { withLock } from "./lock";
import { Failed, run } from "./run";
import type { Wheel } from "./wheel";

/** Told what happens: a sentence for the screen, a line for the log. */
export interface Listener {
  progress(sentence: string): void;
  log(line: string): void;
}

const PIP = ["-I", "-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--progress-bar", "off"];

/**
 * The complete environment of a wheel, made with this Python.
 *
 * Rejects with Failed (why, for the user), Stopped, or Held when another window is at it; nothing half-made stays.
 */
export async function install(
  environments: Environments,
  wheel: Wheel,
  python: Found,
  listener: Listener,
  signal: AbortSignal,
): Promise<Environment> {
  return withLock(environments.lock, async () => {
    const folder = await environments.begin(wheel);
    const line = (text: string): void => {
      listener.log(text);
      const sentence = inWords(text);
      if (sentence) {
        listener.progress(sentence);
      }
    };
    try {
      listener.progress(`Making an environment with Python ${dotted(python.version)} (${python.source})`);
      await run(python.program, ["-I", "-m", "venv", folder], line, signal).catch(explainVenv);
      await run(pythonOf(folder), [...PIP, wheel.file], line, signal).catch(explainPip);
      listener.progress("Checking the server");
      await run(pythonOf(folder), ["-I", "-m", "slm_lsp.server", "--version"], line, signal);
      return await environments.finish(wheel, python.program);
    } catch (error) {
      await environments.remove(wheel);
      throw error;
    }
  });
}

/** The pip arguments that add what training needs to a complete environment. */
export function trainingArguments(wheel: Wheel): string[] {
  return [...PIP.slice(0, -2), `${wheel.file}[train]`];
}

/** What a line of pip's means to a person; undefined for nothing new. */
export function inWords(line: string): string | undefined {
  const collecting = /^Collecting ([\w.-]+)/.exec(line)?.[1];
  if (collecting) {
    return `Collecting ${collecting}`;
  }
  const size = /^\s*Downloading (\S+?)-\d\S* \((.+)\)/.exec(line);
  if (size) {
    return `Downloading ${size[1] ?? ""} (${size[2] ?? ""})`;
  }
  return line.startsWith("Installing collected packages") ? "Installing the packages" : undefined;
}

function explainVenv(error: unknown): never {
  if (error instanceof Failed && /ensurepip|No module named venv/.test(error.message)) {
    throw new Failed("This Python has no venv. On Debian and Ubuntu: apt install python3-venv. Then try again.");
  }
  throw error;
}

function explainPip(error: unknown): never {
  if (error instanceof Failed && /No matching distribution|from versions: none/.test(error.message)) {
    const last = error.message.split("\n").at(-1) ?? "";
    throw new Failed(`pip could not fetch the server's dependencies; is the package index within reach? ${last}`);
  }
  throw error;
}

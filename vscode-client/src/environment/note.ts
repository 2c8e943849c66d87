/**
 * The note that tells the uninstall script where environments lie.
 *
 * Knows: its text. Must not know: who reads or writes it.
 */
import * as path from "node:path";

/** Name of the note in the extension's folder. */
export const NOTE = "environments.json";

/** Name of the folder that holds environments, in the extension's storage; nothing else is ever removed. */
export const FOLDER = "environments";

export function note(root: string): string {
  return JSON.stringify([root]);
}

/** The folders that a note names and that can only be ours. */
export function environmentsToRemove(text: string): string[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return [];
  }
  const folders: unknown[] = Array.isArray(parsed) ? parsed : [];
  return folders.filter(
    (folder): folder is string =>
      typeof folder === "string" &&
      path.isAbsolute(folder) &&
      path.basename(folder) === FOLDER &&
      path.dirname(folder).includes("slm-lsp"),
  );
}

/**
 * The settings under `slmLsp.`.
 *
 * Knows: their names and types. Must not know: what they switch.
 */
import * as vscode from "vscode";
import { told, type Around } from "./server/protocol";

export const SECTION = "slmLsp";

/** What the server is told: the settings it reads itself, and what the editor knows. */
export function serverSettings(around: Around): Record<string, unknown> {
  const settings = vscode.workspace.getConfiguration(SECTION);
  return told((key) => settings.get<unknown>(key), around);
}

/** `slmLsp.inline.enabled`. */
export function inlineEnabled(): boolean {
  return vscode.workspace.getConfiguration(SECTION).get("inline.enabled", true);
}

/** The user's own server command; empty where the extension's environment is to be used. */
export function serverCommandSetting(): readonly string[] {
  return vscode.workspace.getConfiguration(SECTION).get<string[]>("serverCommand", []);
}

/** The Python that the user named; empty for none. */
export function pythonPathSetting(): string {
  return vscode.workspace.getConfiguration(SECTION).get("pythonPath", "").trim();
}

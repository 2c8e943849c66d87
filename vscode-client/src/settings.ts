/**
 * The settings under `slmLsp.`.
 *
 * Knows: their names and types, and which of them the server reads. Must not know: what they switch.
 */
import * as vscode from "vscode";
import { SERVER_SETTINGS } from "./server/protocol";

export const SECTION = "slmLsp";

/** What the server is told: the settings it reads itself, and no others. */
export function serverSettings(): Record<string, unknown> {
  const settings = vscode.workspace.getConfiguration(SECTION);
  return Object.fromEntries(SERVER_SETTINGS.map((key) => [key, settings.get(key)]));
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

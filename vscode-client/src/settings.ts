/**
 * The settings under `slmLsp.`.
 *
 * Knows: their names and types, and which of them the server reads. Must not know: what they switch.
 */
import * as vscode from "vscode";
import { SERVER_SETTINGS } from "./server/protocol";

export const SECTION = "slmLsp";

/** Extensions that bring a Python language server. */
const NEIGHBORS = ["ms-python.vscode-pylance", "ms-pyright.pyright", "detachhead.basedpyright"];

/** What the server is told: the settings it reads itself, and no others. */
export function serverSettings(): Record<string, unknown> {
  const settings = vscode.workspace.getConfiguration(SECTION);
  const told = Object.fromEntries(SERVER_SETTINGS.map((key) => [key, settings.get<unknown>(key)]));
  return { ...told, neighbor: settings.get<boolean>("neighbor") === true || hasNeighbor() };
}

/** Whether another Python language server is installed and not switched off: it fills the same popup. */
function hasNeighbor(): boolean {
  const off = vscode.workspace.getConfiguration("python").get<string>("languageServer") === "None";
  return !off && NEIGHBORS.some((id) => vscode.extensions.getExtension(id) !== undefined);
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

/**
 * Where to look for a Python in this editor: the setting, the Python extension, `.venv`, the PATH.
 *
 * Knows: the editor. Must not know: which Python will do.
 */
import * as vscode from "vscode";
import { pythonPathSetting } from "../settings";
import { onThePath, pythonOf, type Candidate } from "./discovery";
import { selectedPython } from "./selected";

/** Every Python worth a try, best first. In Restricted Mode the workspace's own are left out. */
export async function candidates(): Promise<Candidate[]> {
  const setting = pythonPathSetting();
  const named = setting ? [{ program: setting, source: "slmLsp.pythonPath", named: true }] : [];
  const own = vscode.workspace.isTrusted ? [...(await selected()), ...besideTheCode()] : [];
  return [...named, ...own, ...onThePath()];
}

/** The interpreter that the Python extension has selected, where it is installed. */
async function selected(): Promise<Candidate[]> {
  const program = await selectedPython();
  return program ? [{ program, source: "the Python extension", named: false }] : [];
}

function besideTheCode(): Candidate[] {
  const folders = vscode.workspace.workspaceFolders ?? [];
  return folders.flatMap((folder) =>
    [".venv", "venv"].map((name) => ({
      program: pythonOf(vscode.Uri.joinPath(folder.uri, name).fsPath),
      source: `${name} in the workspace`,
      named: false,
    })),
  );
}

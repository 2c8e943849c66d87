/**
 * Where to look for a Python in this editor: the setting, the Python extension, `.venv`, the PATH.
 *
 * Knows: the editor and the Python extension's API. Must not know: which Python will do.
 */
import * as vscode from "vscode";
import { pythonPathSetting } from "../settings";
import { onThePath, pythonOf, type Candidate } from "./discovery";

/** What we use of the API that the extension `ms-python.python` exports. */
interface PythonExtensionApi {
  readonly environments: {
    getActiveEnvironmentPath(resource?: vscode.Uri): { readonly path: string };
    resolveEnvironment(
      environment: { readonly path: string },
    ): Promise<{ readonly executable: { readonly uri?: vscode.Uri } } | undefined>;
  };
}

/** Every Python worth a try, best first. In Restricted Mode the workspace's own are left out. */
export async function candidates(): Promise<Candidate[]> {
  const named = pythonPathSetting();
  if (named) {
    return [{ program: named, source: "slmLsp.pythonPath", named: true }];
  }
  return vscode.workspace.isTrusted ? [...(await selected()), ...besideTheCode(), ...onThePath()] : onThePath();
}

/** The interpreter that the Python extension has selected, where it is installed. */
async function selected(): Promise<Candidate[]> {
  const extension = vscode.extensions.getExtension<PythonExtensionApi>("ms-python.python");
  if (!extension) {
    return [];
  }
  try {
    const { environments } = await extension.activate();
    const resource = vscode.workspace.workspaceFolders?.[0]?.uri;
    const resolved = await environments.resolveEnvironment(environments.getActiveEnvironmentPath(resource));
    const program = resolved?.executable.uri?.fsPath;
    return program ? [{ program, source: "the Python extension", named: false }] : [];
  } catch {
    return []; // An older or broken Python extension must not stop us: there are other places to look.
  }
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

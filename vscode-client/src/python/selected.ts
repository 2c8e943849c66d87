/**
 * The interpreter that the Python extension has selected.
 *
 * Knows: that extension's API. Must not know: what the interpreter is wanted for.
 */
import * as vscode from "vscode";

/** What we use of the API that the extension `ms-python.python` exports. */
interface PythonExtensionApi {
  readonly environments: {
    getActiveEnvironmentPath(resource?: vscode.Uri): { readonly path: string };
    resolveEnvironment(
      environment: { readonly path: string },
    ): Promise<{ readonly executable: { readonly uri?: vscode.Uri } } | undefined>;
    /** Older ones have no such event. */
    readonly onDidChangeActiveEnvironmentPath?: vscode.Event<unknown>;
  };
}

/** The program of the selected interpreter; undefined where none is selected, or the extension is not there. */
export async function selectedPython(): Promise<string | undefined> {
  try {
    const environments = await api();
    const resource = vscode.workspace.workspaceFolders?.[0]?.uri;
    const resolved = await environments?.resolveEnvironment(environments.getActiveEnvironmentPath(resource));
    return resolved?.executable.uri?.fsPath;
  } catch {
    return undefined; // An older or broken Python extension must not stop us: there are other places to look.
  }
}

/** Calls back when another interpreter is selected, where the extension tells; undefined where it does not. */
export async function onDidSelectPython(listener: () => void): Promise<vscode.Disposable | undefined> {
  try {
    return (await api())?.onDidChangeActiveEnvironmentPath?.(listener);
  } catch {
    return undefined;
  }
}

async function api(): Promise<PythonExtensionApi["environments"] | undefined> {
  const extension = vscode.extensions.getExtension<PythonExtensionApi>("ms-python.python");
  return extension && (await extension.activate()).environments;
}

/**
 * Choosing among the trained models.
 *
 * Knows: `slm-lsp models` and the quick pick. Must not know: where models lie or how they are trained.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import * as vscode from "vscode";
import { extended, type Command } from "../server/command";
import { SECTION } from "../settings";

interface ModelEntry {
  readonly name: string;
  readonly workspace: string | null;
  readonly created: string | null;
  readonly damaged: string | null;
}

interface Choice extends vscode.QuickPickItem {
  readonly model: string;
}

/** Let the user pick a model for a folder; `current` is marked. True when another one is in use now. */
export async function switchModel(
  command: Command,
  folder: string | undefined,
  current: string | undefined,
): Promise<boolean> {
  const title = folder ? `slm-lsp: the model for ${folder}` : "slm-lsp: the model";
  const placeHolder = "Models that were trained on this machine, and the one that ships";
  const picked = await vscode.window.showQuickPick(listModels(command, current), { title, placeHolder });
  if (!picked) {
    return false;
  }
  if (folder === undefined) {
    await vscode.workspace.getConfiguration(SECTION).update("model", picked.model, vscode.ConfigurationTarget.Global);
    return true;
  }
  await runServer(extended(command, "models", "use", picked.model, "--workspace", folder));
  await sayWhatWins();
  return true;
}

async function listModels(command: Command, current: string | undefined): Promise<Choice[]> {
  const models = JSON.parse(await runServer(extended(command, "models", "--json"))) as ModelEntry[];
  const usable = models.filter((model) => !model.damaged);
  const mark = (name: string): string => (name === current ? "$(check) " : "");
  return [
    { label: `${mark("base")}base`, description: "ships with slm-lsp", model: "base" },
    ...usable.map(({ name, workspace, created }) => ({
      label: `${mark(name)}${name}`,
      description: created?.slice(0, 16).replace("T", " ") ?? "",
      detail: workspace ? `learned ${workspace}` : "",
      model: name,
    })),
  ];
}

/** `slmLsp.model` goes before the choice made for a folder: a user who set it must know. */
async function sayWhatWins(): Promise<void> {
  const setting = vscode.workspace.getConfiguration(SECTION).get<string>("model", "auto");
  if (setting === "auto") {
    return;
  }
  const message = `The setting slmLsp.model is "${setting}", which goes before this choice. Set it to "auto" to use the choice.`;
  if ((await vscode.window.showWarningMessage(message, "Open Settings")) !== undefined) {
    await vscode.commands.executeCommand("workbench.action.openSettings", "slmLsp.model");
  }
}

async function runServer(command: Command): Promise<string> {
  const { stdout } = await promisify(execFile)(command.program, [...command.args], { windowsHide: true });
  return stdout;
}

/**
 * Training on the workspace, in a terminal.
 *
 * Knows: how the trainer is started, and that it needs more than the server. Must not know: what it does.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import * as vscode from "vscode";
import { trainingArguments } from "../environment/install";
import type { Wheel } from "../environment/wheel";
import { extended, type Command } from "../server/command";

const CAN_TRAIN = "import importlib.util as u, sys; sys.exit(not (u.find_spec('torch') and u.find_spec('onnx')))";

const MISSING =
  "Training needs PyTorch and onnx, which the server does without. Add them to slm-lsp's own environment? " +
  "On Linux, pip's plain PyTorch brings several GB of CUDA libraries; the README says how to take the small CPU build.";

const TASK = "slm-lsp";

/** Train on a folder with this server; resolves when the terminal is done. */
export async function train(command: Command, folder: string): Promise<void> {
  await runInTerminal("train", extended(command, "train", folder));
}

/** See to it that our environment can train; false when the user would rather not, or it failed. */
export async function prepareTraining(python: string, wheel: Wheel): Promise<boolean> {
  const ready = await promisify(execFile)(python, ["-I", "-c", CAN_TRAIN]).then(
    () => true,
    () => false,
  );
  if (ready) {
    return true;
  }
  const answer = await vscode.window.showInformationMessage(MISSING, { modal: true }, "Add Them");
  const args = trainingArguments(wheel);
  return answer !== undefined && (await runInTerminal("add PyTorch", { program: python, args })) === 0;
}

/** Run a command in a terminal of its own that stays open; its exit code, if it has one. */
async function runInTerminal(name: string, command: Command): Promise<number | undefined> {
  const execution = new vscode.ProcessExecution(command.program, [...command.args]);
  const task = new vscode.Task({ type: TASK, name }, vscode.TaskScope.Workspace, name, TASK, execution);
  task.presentationOptions = { reveal: vscode.TaskRevealKind.Always, panel: vscode.TaskPanelKind.Dedicated };
  let exitCode: number | undefined;
  const isOurs = (event: vscode.TaskEndEvent): boolean => event.execution.task.definition.type === TASK;
  const ended = new Promise<number | undefined>((resolve) => {
    const listeners = vscode.Disposable.from(
      vscode.tasks.onDidEndTaskProcess((event) => {
        exitCode = isOurs(event) ? event.exitCode : exitCode;
      }),
      vscode.tasks.onDidEndTask((event) => {
        if (isOurs(event)) {
          listeners.dispose();
          resolve(exitCode);
        }
      }),
    );
  });
  await vscode.tasks.executeTask(task);
  return ended;
}

/**
 * Gives the server its environment, in front of the user: the offer, the progress, what went wrong.
 *
 * Knows: the editor's messages. Must not know: how an environment is made, when a server is started.
 */
import { writeFile } from "node:fs/promises";
import * as path from "node:path";
import * as vscode from "vscode";
import { candidates } from "../python/candidates";
import { firstUsable, NoPython } from "../python/discovery";
import type { Environment, Environments } from "./environments";
import { install } from "./install";
import { Held } from "./lock";
import { note, NOTE } from "./note";
import { Stopped } from "./run";
import type { Wheel } from "./wheel";

const DECLINED = "slmLsp.declined";

export class SetUp {
  private running: Promise<Environment | undefined> | undefined;

  /** `changed` is called when an installation begins or ends. */
  constructor(
    private readonly context: vscode.ExtensionContext,
    private readonly environments: Environments,
    private readonly log: vscode.LogOutputChannel,
    private readonly changed: () => void,
  ) {}

  get isRunning(): boolean {
    return this.running !== undefined;
  }

  /** Ask once whether to set up; true when the user says so. */
  async offer(): Promise<boolean> {
    if (this.context.globalState.get(DECLINED) === true) {
      return false;
    }
    const answer = await vscode.window.showInformationMessage(
      "slm-lsp completes Python on this machine. Its server needs a Python environment of its own: set it up now? " +
        "Its dependencies come from your Python package index; your own environments stay as they are.",
      "Set Up",
      "Not Now",
      "Never",
    );
    if (answer === "Never") {
      await this.context.globalState.update(DECLINED, true);
    }
    return answer === "Set Up";
  }

  /** Make the environment of a wheel; undefined when it failed or was stopped, and the user knows. */
  make(wheel: Wheel, title: string): Promise<Environment | undefined> {
    this.running ??= this.makeNow(wheel, title).finally(() => {
      this.running = undefined;
      this.changed();
    });
    this.changed();
    return this.running;
  }

  private async makeNow(wheel: Wheel, title: string): Promise<Environment | undefined> {
    await this.context.globalState.update(DECLINED, undefined);
    try {
      const python = await firstUsable(await candidates());
      await this.leaveNote();
      return await this.withProgress(title, (listener, signal) =>
        install(this.environments, wheel, python, listener, signal),
      );
    } catch (error) {
      void this.explain(error);
      return undefined;
    }
  }

  private withProgress<T>(
    title: string,
    work: (listener: { progress(text: string): void; log(text: string): void }, signal: AbortSignal) => Promise<T>,
  ): Thenable<T> {
    const options = { location: vscode.ProgressLocation.Notification, cancellable: true, title };
    return vscode.window.withProgress(options, (progress, token) => {
      const stop = new AbortController();
      token.onCancellationRequested(() => {
        stop.abort();
      });
      const listener = {
        progress: (message: string) => {
          progress.report({ message });
        },
        log: (line: string) => {
          this.log.info(`[set up] ${line}`);
        },
      };
      return work(listener, stop.signal);
    });
  }

  /** Tell the uninstall script where the environments lie; a read-only extension folder goes without. */
  private async leaveNote(): Promise<void> {
    const file = path.join(this.context.extensionPath, NOTE);
    await writeFile(file, note(this.environments.root)).catch((error: unknown) => {
      this.log.debug(`no note for the uninstall script: ${String(error)}`);
    });
  }

  private async explain(error: unknown): Promise<void> {
    const message = error instanceof Error ? error.message : String(error);
    if (error instanceof Stopped) {
      this.log.info("[set up] stopped by the user; nothing was left behind");
      return;
    }
    this.log.error(`[set up] ${message}`);
    if (error instanceof Held || error instanceof NoPython) {
      const choices = error instanceof NoPython ? ["Choose a Python"] : [];
      const answer = await vscode.window.showErrorMessage(message, ...choices);
      if (answer) {
        await vscode.commands.executeCommand("workbench.action.openSettings", "slmLsp.pythonPath");
      }
      return;
    }
    const last = message.trim().split("\n").at(-1) ?? "";
    const answer = await vscode.window.showErrorMessage(`slm-lsp could not be set up: ${last}`, "Try Again", "Show Log");
    if (answer) {
      await vscode.commands.executeCommand(answer === "Show Log" ? "slmLsp.showLog" : "slmLsp.setUp");
    }
  }
}

/**
 * The parts of the extension, put together once.
 *
 * Knows: who is told what. Must not know: how any part works, or which commands there are.
 */
import * as vscode from "vscode";
import { Environments } from "./environment/environments";
import { FOLDER } from "./environment/note";
import { SetUp } from "./environment/setUp";
import { ServerSource } from "./environment/source";
import { openSession, type Session } from "./server/client";
import { Latest } from "./server/latest";
import { Lifecycle, type ServerState } from "./server/lifecycle";
import { inlineEnabled } from "./settings";
import { Activity } from "./suggestions/activity";
import { Counts } from "./suggestions/counts";
import { Ghost } from "./suggestions/ghost";
import { middleware } from "./suggestions/middleware";
import { Pause } from "./suggestions/pause";
import { Surroundings } from "./surroundings";
import { look } from "./ui/look";
import { StatusBar } from "./ui/statusBar";

export interface App {
  readonly log: vscode.LogOutputChannel;
  readonly environments: Environments;
  readonly setUp: SetUp;
  readonly source: ServerSource;
  readonly lifecycle: Lifecycle<Session>;
  readonly latest: Latest;
  readonly counts: Counts;
  readonly pause: Pause;
  readonly ghost: Ghost;
  /** Draw the status bar anew. */
  readonly refresh: () => void;
}

export function build(context: vscode.ExtensionContext): App {
  const log = vscode.window.createOutputChannel("slm-lsp", { log: true });
  const statusBar = new StatusBar("slmLsp.showMenu");
  const counts = new Counts(context.globalState);
  const ghost = new Ghost(() => void counts.add("partly"));
  const pause = new Pause(context.workspaceState, refresh);
  const environments = new Environments(vscode.Uri.joinPath(context.globalStorageUri, FOLDER).fsPath);
  const setUp = new SetUp(context, environments, log, refresh);
  const source = new ServerSource(vscode.Uri.joinPath(context.extensionUri, "wheel").fsPath, environments, setUp);
  const surroundings = new Surroundings();
  const activity = new Activity(refresh, () => {
    latest.soon();
  });
  const watched = middleware({
    isPaused: (document) => pause.of(document.uri.toString()) !== undefined,
    asked: (_, request) => {
      activity.asked(request);
    },
    offered: (document, position, items) => {
      ghost.offered(document, position, items);
    },
    accepted: () => {
      ghost.forget();
      void counts.add("accepted");
      void vscode.commands.executeCommand("setContext", "slmLsp.hasAccepted", true);
    },
  });
  const lifecycle = new Lifecycle<Session>({
    connect: async (unwanted) => openSession(await source.commandToStart(), watched, surroundings, log, unwanted),
    log: (message) => {
      log.info(message);
    },
    changed,
  });
  const latest = new Latest(() => lifecycle.connection?.status(), refresh);

  function refresh(): void {
    statusBar.show(
      look({
        server: lifecycle.state,
        settingUp: setUp.isRunning,
        enabled: inlineEnabled(),
        paused: pause.of(vscode.window.activeTextEditor?.document.uri.toString()),
        thinking: activity.thinking,
        status: latest.status,
      }),
    );
  }

  function changed(state: ServerState): void {
    latest.forget();
    ghost.forget();
    if (state.kind === "running") {
      void vscode.commands.executeCommand("setContext", "slmLsp.ready", true);
      void latest.now();
    } else if (state.kind === "given up") {
      void sayGivenUp(state.reason, source.isTheUsers);
    }
    refresh();
  }

  context.subscriptions.push(log, statusBar, ghost, surroundings);
  return { log, environments, setUp, source, lifecycle, latest, counts, pause, ghost, refresh };
}

async function sayGivenUp(reason: string, isTheUsers: boolean): Promise<void> {
  const message = `slm-lsp's server is not started again. ${reason}`;
  const answers = [
    { title: "Restart", command: "slmLsp.restart" },
    ...(isTheUsers ? [] : [{ title: "Set Up Anew", command: "slmLsp.setUp" }]),
    { title: "Show Log", command: "slmLsp.showLog" },
  ];
  const answer = await vscode.window.showErrorMessage(message, ...answers);
  if (answer) {
    await vscode.commands.executeCommand(answer.command);
  }
}

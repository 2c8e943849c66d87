/**
 * The commands `slmLsp.*`.
 *
 * Knows: which part carries out which command. Must not know: how.
 */
import * as vscode from "vscode";
import type { App } from "./app";
import { inBrief, inWords } from "./suggestions/counts";
import { hasFailed } from "./server/lifecycle";
import { inlineEnabled } from "./settings";
import { explain } from "./ui/explain";
import { entries } from "./ui/menu";
import { switchModel } from "./ui/models";
import { prepareTraining, train } from "./ui/train";

type Work = (app: App) => unknown;

const COMMANDS: Readonly<Record<string, Work>> = {
  "slmLsp.showMenu": showMenu,
  "slmLsp.setUp": setUp,
  "slmLsp.removeEnvironment": removeEnvironment,
  "slmLsp.restart": ({ lifecycle }) => lifecycle.restart(),
  "slmLsp.pauseFile": pauseFile,
  "slmLsp.pauseWorkspace": ({ pause }) => pause.toggleWorkspace(),
  "slmLsp.switchModel": chooseModel,
  "slmLsp.why": why,
  "slmLsp.train": trainHere,
  "slmLsp.showCounts": showCounts,
  "slmLsp.showLog": ({ log }) => {
    log.show();
  },
  "slmLsp.dismiss": dismiss,
};

/** Register them all; an error becomes a message and a line in the log. */
export function registerCommands(app: App): vscode.Disposable {
  const registered = Object.entries(COMMANDS).map(([name, work]) =>
    vscode.commands.registerCommand(name, async () => {
      try {
        await work(app);
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        app.log.error(`${name}: ${message}`);
        void vscode.window.showErrorMessage(`slm-lsp: ${message}`);
      }
    }),
  );
  return vscode.Disposable.from(...registered);
}

async function showMenu({ lifecycle, source, pause, latest, counts }: App): Promise<void> {
  const document = vscode.window.activeTextEditor?.document;
  const items = entries({
    server: lifecycle.state,
    isTheUsers: source.isTheUsers,
    hasDocument: document !== undefined,
    paused: pause.of(document?.uri.toString()),
    model: latest.status?.model?.name,
    counts: inBrief(counts.numbers),
  });
  const picked = await vscode.window.showQuickPick(items, { title: "slm-lsp" });
  if (picked) {
    await vscode.commands.executeCommand(picked.command);
  }
}

async function setUp({ source, lifecycle }: App): Promise<void> {
  if (source.isTheUsers) {
    void vscode.window.showInformationMessage("slmLsp.serverCommand names the server: there is nothing to set up.");
  } else if ((!hasFailed(lifecycle.state) && (await source.command())) || (await source.make())) {
    await lifecycle.restart();
  }
}

async function removeEnvironment({ environments, lifecycle }: App): Promise<void> {
  const question = "Remove the Python environment of slm-lsp's server? Trained models stay.";
  if ((await vscode.window.showWarningMessage(question, { modal: true }, "Remove")) === undefined) {
    return;
  }
  await lifecycle.stop();
  await environments.removeAll();
  await lifecycle.restart();
}

function pauseFile({ pause }: App): void {
  const document = vscode.window.activeTextEditor?.document;
  if (document) {
    pause.toggleFile(document.uri.toString());
  }
}

async function chooseModel({ source, latest }: App): Promise<void> {
  const command = await source.command();
  if (!command) {
    await vscode.commands.executeCommand("slmLsp.setUp");
  } else if (await switchModel(command, folderInFront(), latest.status?.model?.name)) {
    void vscode.window.setStatusBarMessage("slm-lsp: the model is taken up with the next suggestion", 5_000);
  }
}

async function why({ lifecycle, latest, pause }: App): Promise<void> {
  const document = vscode.window.activeTextEditor?.document;
  const sentence = explain({
    server: lifecycle.state,
    document: document && { uri: document.uri.toString(), language: document.languageId },
    paused: pause.of(document?.uri.toString()),
    enabled: inlineEnabled(),
    editorShows: vscode.workspace.getConfiguration("editor", document).get("inlineSuggest.enabled", true),
    status: await latest.now(),
  });
  void vscode.window.showInformationMessage(sentence, "Show Log").then(async (answer) => {
    if (answer) {
      await vscode.commands.executeCommand("slmLsp.showLog");
    }
  });
}

async function trainHere({ source, environments, latest }: App): Promise<void> {
  const folder = folderInFront();
  const command = await source.command();
  if (folder === undefined) {
    void vscode.window.showInformationMessage("Open a folder first: slm-lsp learns the Python files in it.");
  } else if (!command) {
    await vscode.commands.executeCommand("slmLsp.setUp");
  } else {
    const wheel = source.isTheUsers ? undefined : await source.wheel();
    const environment = wheel && (await environments.of(wheel));
    if (!wheel || !environment || (await prepareTraining(environment.python, wheel))) {
      await train(command, folder);
      await latest.now();
    }
  }
}

async function showCounts({ counts }: App): Promise<void> {
  if ((await vscode.window.showInformationMessage(inWords(counts.numbers), "Start Anew")) !== undefined) {
    await counts.reset();
  }
}

/** Escape: hide the ghost text, and tell the server not to offer it here again. */
async function dismiss({ ghost, lifecycle, counts }: App): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  const offer = editor && ghost.at(editor);
  await vscode.commands.executeCommand("editor.action.inlineSuggest.hide");
  if (offer) {
    ghost.forget();
    await counts.add("dismissed");
    await lifecycle.connection?.dismissed({
      textDocument: { uri: offer.uri },
      position: offer.place,
      text: offer.text,
    });
  }
}

/** The workspace folder of the document in front, else the first. */
function folderInFront(): string | undefined {
  const document = vscode.window.activeTextEditor?.document;
  const own = document && vscode.workspace.getWorkspaceFolder(document.uri);
  return (own ?? vscode.workspace.workspaceFolders?.[0])?.uri.fsPath;
}

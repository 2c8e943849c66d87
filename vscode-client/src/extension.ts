/**
 * Where the editor enters: builds the parts, registers the commands, starts the server with the first Python.
 */
import * as vscode from "vscode";
import { build, type App } from "./app";
import { registerCommands } from "./commands";
import { SELECTOR } from "./server/client";
import { SECTION } from "./settings";

let app: App | undefined;

export function activate(context: vscode.ExtensionContext): void {
  const built = build(context);
  app = built;
  context.subscriptions.push(
    registerCommands(built),
    vscode.window.onDidChangeActiveTextEditor(built.refresh),
    vscode.window.onDidChangeActiveNotebookEditor(built.refresh),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration(`${SECTION}.serverCommand`)) {
        void built.lifecycle.restart();
      }
      built.refresh();
    }),
  );
  startWithPython(built, context);
}

export async function deactivate(): Promise<void> {
  await app?.lifecycle.stop();
}

/** Start as soon as there is Python to complete, which may be now. */
function startWithPython(built: App, context: vscode.ExtensionContext): void {
  const isOurs = (document: vscode.TextDocument): boolean => vscode.languages.match(SELECTOR, document) > 0;
  if (vscode.workspace.textDocuments.some(isOurs)) {
    void start(built);
    return;
  }
  const listener = vscode.workspace.onDidOpenTextDocument((document) => {
    if (isOurs(document)) {
      listener.dispose();
      void start(built);
    }
  });
  context.subscriptions.push(listener);
}

async function start({ lifecycle, setUp, source }: App): Promise<void> {
  await lifecycle.start();
  const canBeSetUp = lifecycle.state.kind === "not set up" && (await source.wheel().catch(() => undefined));
  if (canBeSetUp && (await setUp.offer())) {
    await vscode.commands.executeCommand("slmLsp.setUp");
  }
}

/**
 * The item in the status bar, shown beside Python files and notebooks.
 *
 * Knows: the editor's status bar. Must not know: how its words are chosen.
 */
import * as vscode from "vscode";
import type { Look } from "./look";

const BACKGROUNDS = { warning: "statusBarItem.warningBackground", error: "statusBarItem.errorBackground" };

export class StatusBar implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem("status", vscode.StatusBarAlignment.Right, 100);

  constructor(command: string) {
    this.item.name = "slm-lsp";
    this.item.command = command;
  }

  show(look: Look): void {
    this.item.text = look.text;
    this.item.tooltip = `${look.tooltip}\n\nClick for more.`;
    this.item.backgroundColor = look.severity && new vscode.ThemeColor(BACKGROUNDS[look.severity]);
    if (isPythonInFront()) {
      this.item.show();
    } else {
      this.item.hide();
    }
  }

  dispose(): void {
    this.item.dispose();
  }
}

/** Whether the user looks at Python: a file, or a notebook that may hold some. */
function isPythonInFront(): boolean {
  const language = vscode.window.activeTextEditor?.document.languageId;
  return language === "python" || vscode.window.activeNotebookEditor?.notebook.notebookType === "jupyter-notebook";
}

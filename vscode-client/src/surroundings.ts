/**
 * What the editor knows and the server cannot: trust, the selected interpreter, neighbors.
 *
 * Knows: when any of it changes. Must not know: how the server is told.
 */
import * as vscode from "vscode";
import { hasNeighbor, SWITCHES } from "./python/neighbors";
import { onDidSelectPython, selectedPython } from "./python/selected";
import type { Around } from "./server/protocol";
import { SECTION } from "./settings";

export class Surroundings implements vscode.Disposable {
  private python = "";
  private hears = false;
  private readonly changed = new vscode.EventEmitter<void>();
  private readonly listeners: { dispose(): unknown }[];

  /** Fires when the server should be told anew. */
  readonly onDidChange = this.changed.event;

  constructor() {
    this.listeners = [
      this.changed,
      vscode.workspace.onDidChangeConfiguration((event) => {
        if ([SECTION, ...SWITCHES].some((section) => event.affectsConfiguration(section))) {
          this.changed.fire();
        }
      }),
      vscode.workspace.onDidGrantWorkspaceTrust(() => {
        this.changed.fire();
        void this.look();
      }),
      vscode.extensions.onDidChange(() => {
        this.changed.fire();
        void this.look();
      }),
    ];
    void this.look();
  }

  get now(): Around {
    const trusted = vscode.workspace.isTrusted;
    const neighbor = hasNeighbor({
      has: (extension) => vscode.extensions.getExtension(extension) !== undefined,
      setting: (name) => vscode.workspace.getConfiguration().get<unknown>(name),
      trusted,
    });
    return { trusted, neighbor, python: this.python };
  }

  dispose(): void {
    vscode.Disposable.from(...this.listeners).dispose();
  }

  /** Ask for the selected interpreter; in the background, as the Python extension may take seconds to start. */
  private async look(): Promise<void> {
    if (!vscode.workspace.isTrusted) {
      return;
    }
    const python = (await selectedPython()) ?? "";
    if (python !== this.python) {
      this.python = python;
      this.changed.fire();
    }
    if (!this.hears) {
      this.hears = true;
      const listener = await onDidSelectPython(() => void this.look());
      this.hears = listener !== undefined;
      this.listeners.push(...(listener ? [listener] : []));
    }
  }
}

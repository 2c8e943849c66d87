/**
 * The ghost text on the screen, as far as an extension can know: what it was offered and what became of it.
 *
 * Knows: the editor's changes and selections. Must not know: the server, where counts are kept.
 */
import * as vscode from "vscode";
import { follow, same, type Offer } from "./offer";

/** True while there may be ghost text of ours: Escape is ours only then. */
const OFFERING = "slmLsp.offering";

export class Ghost implements vscode.Disposable {
  private offer: Offer | undefined;
  private readonly listeners: vscode.Disposable;

  constructor(private readonly tookPart: () => void) {
    this.listeners = vscode.Disposable.from(
      vscode.workspace.onDidChangeTextDocument((event) => {
        this.edited(event);
      }),
      vscode.window.onDidChangeActiveTextEditor(() => {
        this.become(undefined);
      }),
    );
  }

  /** The editor was given these items for a place in a document. */
  offered(document: vscode.TextDocument, position: vscode.Position, items: vscode.InlineCompletionItem[]): void {
    const [item] = items;
    if (!item) {
      this.become(undefined);
      return;
    }
    const whole = typeof item.insertText === "string" ? item.insertText : item.insertText.value;
    // The item may begin with a word that stands there already: the ghost text is what follows it.
    const there = item.range ? document.getText(new vscode.Range(item.range.start, position)) : "";
    const text = whole.startsWith(there) ? whole.slice(there.length) : whole;
    const { line, character } = position;
    this.become({ uri: document.uri.toString(), place: { line, character }, text });
  }

  /** The offer at the cursor of an editor; undefined when there is none. */
  at(editor: vscode.TextEditor): Offer | undefined {
    const offer = this.offer;
    const here = offer?.uri === editor.document.uri.toString() && same(offer.place, editor.selection.active);
    return here ? offer : undefined;
  }

  forget(): void {
    this.become(undefined);
  }

  dispose(): void {
    this.listeners.dispose();
    this.become(undefined);
  }

  private edited(event: vscode.TextDocumentChangeEvent): void {
    const uri = event.document.uri.toString();
    const [change] = event.contentChanges;
    if (this.offer?.uri !== uri || !change) {
      return;
    }
    const { start, end } = change.range;
    const followed = follow(this.offer, { uri, start, end, text: change.text });
    this.become(followed.offer);
    if (followed.partly) {
      this.tookPart();
    }
  }

  private become(offer: Offer | undefined): void {
    if (Boolean(offer) !== Boolean(this.offer)) {
      void vscode.commands.executeCommand("setContext", OFFERING, Boolean(offer));
    }
    this.offer = offer;
  }
}

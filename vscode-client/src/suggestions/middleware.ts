/**
 * Between the editor and the language client: no requests where paused, and an eye on what is offered and taken.
 *
 * Knows: which answers pass. Must not know: how they are fetched, shown or counted.
 */
import type * as vscode from "vscode";
import type { Middleware } from "vscode-languageclient/node";

/** The command that the server puts on each suggestion; the editor runs it after a full acceptance. */
const ACCEPTED = "slmLsp.accepted";

export interface Watchers {
  isPaused(document: vscode.TextDocument): boolean;
  /** A request is under way until `request` settles. */
  asked(document: vscode.TextDocument, request: Promise<unknown>): void;
  /** This is what the editor was given. */
  offered(document: vscode.TextDocument, position: vscode.Position, items: vscode.InlineCompletionItem[]): void;
  accepted(): void;
}

export function middleware(watchers: Watchers): Middleware {
  return {
    provideInlineCompletionItems: async (document, position, context, token, next) => {
      if (watchers.isPaused(document)) {
        return [];
      }
      const request = Promise.resolve(next(document, position, context, token));
      watchers.asked(document, request);
      const result = await request;
      if (!token.isCancellationRequested) {
        watchers.offered(document, position, Array.isArray(result) ? result : (result?.items ?? []));
      }
      return result;
    },
    provideCompletionItem: (document, position, context, token, next) =>
      watchers.isPaused(document) ? [] : next(document, position, context, token),
    executeCommand: (command, args, next) => {
      if (command === ACCEPTED) {
        watchers.accepted();
      }
      return next(command, args) as unknown;
    },
  };
}

/**
 * A session with the server over LSP.
 *
 * Knows: vscode-languageclient. Must not know: when to start or restart, or what is done with the answers.
 */
import * as vscode from "vscode";
import {
  CloseAction,
  ErrorAction,
  LanguageClient,
  type LanguageClientOptions,
  type Middleware,
} from "vscode-languageclient/node";
import { SECTION, serverSettings } from "../settings";
import type { Surroundings } from "../surroundings";
import type { Command } from "./command";
import { shakeHands } from "./handshake";
import type { Connection } from "./lifecycle";
import { startProcess } from "./process";
import { DISMISSED, STATUS, type Dismissed, type Status } from "./protocol";

/** The documents we complete in: Python files, unsaved ones, and the cells of notebooks. */
export const SELECTOR = ["file", "untitled", "vscode-notebook-cell"].map((scheme) => ({ scheme, language: "python" }));

/** Milliseconds that a server has for its goodbye. */
const GOODBYE = 2_000;

export interface Session extends Connection {
  status(): Promise<Status>;
  dismissed(what: Dismissed): Promise<void>;
}

/** Start a server and open a session; rejects when either fails, or when it is not wanted any more. */
export async function openSession(
  command: Command,
  middleware: Middleware,
  surroundings: Surroundings,
  log: vscode.LogOutputChannel,
  unwanted: AbortSignal,
): Promise<Session> {
  const cwd = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
  const server = await startProcess(command, cwd, (text) => {
    log.info(`[server] ${text}`);
  });
  const streams = { reader: server.child.stdout, writer: server.child.stdin };
  const first = serverSettings(surroundings.now);
  const client = new QuietClient(SECTION, "slm-lsp", () => Promise.resolve(streams), options(first, middleware, log));
  try {
    await shakeHands(server, client.start(), unwanted);
  } catch (error) {
    client.dispose().catch(() => undefined);
    throw error;
  }
  let last = JSON.stringify(first);
  const tell = (): void => {
    const settings = serverSettings(surroundings.now);
    if (JSON.stringify(settings) === last) {
      return;
    }
    last = JSON.stringify(settings);
    const params = { settings: { [SECTION]: settings } };
    client.sendNotification("workspace/didChangeConfiguration", params).catch((error: unknown) => {
      log.warn(`the server was not told of new settings: ${String(error)}`);
    });
  };
  const listener = surroundings.onDidChange(tell);
  tell(); // What changed while it started.
  return {
    ended: server.ended,
    status: () => client.sendRequest<Status>(STATUS, {}),
    dismissed: (what) => client.sendNotification(DISMISSED, what),
    stop: async () => {
      listener.dispose();
      await client.dispose(GOODBYE).catch((error: unknown) => {
        log.debug(`the session did not end in good order: ${String(error)}`);
      });
      server.child.kill();
    },
  };
}

/** Errors go to the log: a message on the screen for each would be worse than the error. */
class QuietClient extends LanguageClient {
  override error(message: string, data?: unknown): void {
    super.error(message, data, false);
  }
}

function options(
  settings: Record<string, unknown>,
  middleware: Middleware,
  log: vscode.LogOutputChannel,
): LanguageClientOptions {
  return {
    documentSelector: SELECTOR,
    initializationOptions: { [SECTION]: settings },
    outputChannel: log,
    middleware,
    // The lifecycle watches the process itself; two that restart it would be one too many.
    errorHandler: {
      error: () => ({ action: ErrorAction.Continue, handled: true }),
      closed: () => ({ action: CloseAction.DoNotRestart, handled: true }),
    },
    initializationFailedHandler: () => false,
  };
}

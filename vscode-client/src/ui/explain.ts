/**
 * Why nothing was shown, in a sentence.
 *
 * Knows: what can stand in the way, on this side and on the server's. Must not know: the editor's API.
 */
import type { Status, Why } from "../server/protocol";
import type { ServerState } from "../server/lifecycle";
import type { Paused } from "../suggestions/pause";

export interface Circumstances {
  readonly server: ServerState;
  /** URI and language of the document in front; undefined when none is. */
  readonly document: { readonly uri: string; readonly language: string } | undefined;
  readonly paused: Paused;
  /** `slmLsp.inline.enabled`. */
  readonly enabled: boolean;
  /** `editor.inlineSuggest.enabled`. */
  readonly editorShows: boolean;
  readonly status: Status | undefined;
}

export function explain(now: Circumstances): string {
  return hindrance(now) ?? outcome(now);
}

/** What keeps requests from being sent at all. */
function hindrance({ server, document, paused, enabled, editorShows }: Circumstances): string | undefined {
  if (server.kind !== "running") {
    return "reason" in server ? server.reason : `slm-lsp's server does not run (${server.kind}).`;
  }
  if (!document) {
    return "No file is open.";
  }
  if (document.language !== "python") {
    return `slm-lsp completes Python; the language of this file is ${document.language}.`;
  }
  if (paused) {
    return `slm-lsp is paused in this ${paused}.`;
  }
  if (!enabled) {
    return "The setting slmLsp.inline.enabled is off.";
  }
  return editorShows ? undefined : "The setting editor.inlineSuggest.enabled is off, so the editor asks for nothing.";
}

/** What became of the last request. */
function outcome({ document, status }: Circumstances): string {
  if (!status) {
    return "The server does not answer. Its log may say more.";
  }
  if (status.why) {
    return `${where(status.why, document?.uri)}: ${status.why.reason}`;
  }
  const last = status.inline?.last;
  return last ? `The last request ended with: ${last}.` : "Nothing has been asked for yet. Type something.";
}

function where(why: Why, uri: string | undefined): string {
  const place = `Line ${why.line + 1}, column ${why.character + 1}`;
  return why.uri === uri ? place : `${place} of ${decodeURIComponent(why.uri.split("/").at(-1) ?? why.uri)}`;
}

/**
 * What we say to the server beyond plain LSP.
 *
 * Knows: `slmLsp/status`, `slmLsp/dismissed` and the server's settings, as sent over the wire. Must not know: who asks. An older server
 * may leave fields out, so everything that was added later is optional.
 */

export const STATUS = "slmLsp/status";
export const DISMISSED = "slmLsp/dismissed";

/** The settings below `slmLsp.` that the server reads; it takes dotted keys, and checks the values itself. */
export const SERVER_SETTINGS = [
  "inline.enabled",
  "popup",
  "neighbor",
  "suggest",
  "memory.enabled",
  "model",
  "threads",
  "pythonPath",
] as const;

/** What became of the last request for ghost text. */
export interface Why {
  readonly uri: string;
  readonly line: number;
  readonly character: number;
  readonly outcome: string;
  /** A sentence for a person. */
  readonly reason: string;
}

/** What became of the requests of one kind. */
export interface Tally {
  readonly last: string | null;
  readonly requests: number;
  readonly p50_ms: number | null;
}

export interface Status {
  readonly version: string;
  readonly state: "ready" | "loading" | "no model";
  readonly model: { readonly name: string; readonly why: string } | null;
  readonly errors: Readonly<Record<string, string>>;
  readonly inline?: Tally;
  readonly why?: Why | null;
}

export interface Dismissed {
  readonly textDocument: { readonly uri: string };
  readonly position: { readonly line: number; readonly character: number };
  readonly text: string;
}

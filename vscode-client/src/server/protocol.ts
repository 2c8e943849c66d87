/**
 * What we say to the server beyond plain LSP.
 *
 * Knows: `slmLsp/status`, `slmLsp/dismissed` and the server's settings, as sent over the wire. Must not know: who
 * asks, the editor. An older server may leave fields out, so everything that was added later is optional.
 */

export const STATUS = "slmLsp/status";
export const DISMISSED = "slmLsp/dismissed";

/** The user's settings below `slmLsp.` that the server reads; it takes dotted keys, and checks the values itself. */
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

/** What the server reads below `slmLsp.` that no user sets: we find it out. */
export const FOUND_OUT = ["trusted"] as const;

/** What the editor knows and the server cannot. */
export interface Around {
  /** Whether programs of the workspace may be run: false in Restricted Mode. */
  readonly trusted: boolean;
  /** Whether another Python language server fills the same popup. */
  readonly neighbor: boolean;
  /** The interpreter that is selected in the editor; empty for none. */
  readonly python: string;
}

/** What the server is told: the user's settings, as `setting` reads them, and what the editor knows. */
export function told(setting: (key: string) => unknown, around: Around): Record<string, unknown> {
  const named = setting("pythonPath");
  return {
    ...Object.fromEntries(SERVER_SETTINGS.map((key) => [key, setting(key)])),
    neighbor: setting("neighbor") === true || around.neighbor,
    // What is selected may lie in the workspace; what the user named in Restricted Mode is a setting of the machine.
    pythonPath: typeof named === "string" && named.trim() === "" && around.trusted ? around.python : named,
    trusted: around.trusted,
  };
}

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

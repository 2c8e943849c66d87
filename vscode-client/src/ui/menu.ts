/**
 * The menu behind the status bar.
 *
 * Knows: which commands make sense now, and their words. Must not know: what they do.
 */
import { hasFailed, type ServerState } from "../server/lifecycle";
import type { Paused } from "../suggestions/pause";

export interface Entry {
  readonly label: string;
  readonly description?: string;
  /** The command it runs. */
  readonly command: string;
}

export interface Situation {
  readonly server: ServerState;
  /** Whether the server is the user's own command. */
  readonly isTheUsers: boolean;
  /** Whether a document is in front, which can be paused alone. */
  readonly hasDocument: boolean;
  readonly paused: Paused;
  readonly model: string | undefined;
  /** The counts, in a few words. */
  readonly counts: string;
}

export function entries(now: Situation): Entry[] {
  const log = { label: "$(output) Show log", command: "slmLsp.showLog" };
  const restart = { label: "$(debug-restart) Restart the server", command: "slmLsp.restart" };
  if (now.server.kind === "not set up") {
    return [{ label: "$(cloud-download) Set up the server", command: "slmLsp.setUp" }, log];
  }
  if (now.server.kind !== "running") {
    const anew = { label: "$(cloud-download) Set up the server anew", command: "slmLsp.setUp" };
    const repair = hasFailed(now.server) && !now.isTheUsers ? [anew] : [];
    return [{ label: "$(question) Why does it not run?", command: "slmLsp.why" }, restart, ...repair, log];
  }
  return [
    { label: "$(question) Why was nothing shown?", command: "slmLsp.why" },
    ...pausing(now),
    { label: "$(list-selection) Switch model", description: now.model ?? "", command: "slmLsp.switchModel" },
    { label: "$(mortar-board) Train on this workspace", command: "slmLsp.train" },
    { label: "$(graph) What was accepted", description: now.counts, command: "slmLsp.showCounts" },
    restart,
    log,
    ...(now.isTheUsers
      ? []
      : [{ label: "$(trash) Remove the server's environment", command: "slmLsp.removeEnvironment" }]),
  ];
}

function pausing({ paused, hasDocument }: Situation): Entry[] {
  const file = { label: "$(debug-pause) Pause in this file", command: "slmLsp.pauseFile" };
  const workspace = { label: "$(debug-pause) Pause in this workspace", command: "slmLsp.pauseWorkspace" };
  switch (paused) {
    case "workspace":
      return [{ ...workspace, label: "$(debug-continue) Resume in this workspace" }];
    case "file":
      return [{ ...file, label: "$(debug-continue) Resume in this file" }, workspace];
    case undefined:
      return hasDocument ? [file, workspace] : [workspace];
  }
}

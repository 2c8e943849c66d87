/**
 * What the status bar says, from the state of things.
 *
 * Knows: words and icons. Must not know: the editor's API, where the state comes from.
 */
import type { ServerState } from "../server/lifecycle";
import type { Status } from "../server/protocol";
import type { Paused } from "../suggestions/pause";

export interface View {
  readonly server: ServerState;
  readonly settingUp: boolean;
  /** `slmLsp.inline.enabled`. */
  readonly enabled: boolean;
  readonly paused: Paused;
  readonly thinking: boolean;
  readonly status: Status | undefined;
}

export interface Look {
  readonly text: string;
  readonly tooltip: string;
  readonly severity?: "warning" | "error";
}

const NAME = "slm";

export function look(view: View): Look {
  if (view.settingUp) {
    return { text: `$(sync~spin) ${NAME}: setting up`, tooltip: "slm-lsp is making the server's environment." };
  }
  const { server } = view;
  switch (server.kind) {
    case "off":
      return { text: `$(circle-slash) ${NAME}: off`, tooltip: "slm-lsp's server does not run." };
    case "not set up":
      return { text: `$(cloud-download) ${NAME}: set up`, tooltip: server.reason, severity: "warning" };
    case "starting":
      return { text: `$(sync~spin) ${NAME}: starting`, tooltip: "slm-lsp's server is starting." };
    case "waiting": {
      const again = `Starting it again, attempt ${server.attempt} of ${server.attempts}.`;
      return { text: `$(sync~spin) ${NAME}: restarting`, tooltip: `${server.reason}\n\n${again}` };
    }
    case "given up":
      return { text: `$(error) ${NAME}: stopped`, tooltip: server.reason, severity: "error" };
    case "running":
      return running(view);
  }
}

function running({ enabled, paused, thinking, status }: View): Look {
  if (paused) {
    return { text: `$(debug-pause) ${NAME}: paused`, tooltip: `slm-lsp is paused in this ${paused}.` };
  }
  if (status?.state === "no model") {
    const errors = Object.values(status.errors).join("\n\n");
    return { text: `$(error) ${NAME}: no model`, tooltip: errors || "No model can be used.", severity: "error" };
  }
  const icon = thinking ? "$(loading~spin)" : "$(sparkle)";
  if (!status?.model) {
    return { text: `$(loading~spin) ${NAME}: loading`, tooltip: "slm-lsp is loading the model." };
  }
  const model = `${status.model.name}: ${status.model.why}`;
  if (!enabled) {
    return { text: `$(circle-slash) ${NAME}: off`, tooltip: `slmLsp.inline.enabled is off.\n\n${model}` };
  }
  const pace = status.inline?.p50_ms;
  const tooltip = typeof pace === "number" ? `${model}\n\nGhost text takes ${Math.round(pace)} ms (median).` : model;
  return { text: `${icon} ${NAME}: ${status.model.name}`, tooltip };
}

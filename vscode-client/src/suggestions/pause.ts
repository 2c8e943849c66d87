/**
 * Where suggestions are paused.
 *
 * Knows: paused documents, for this session, and the paused workspace, which stays so. Must not know: what
 * pausing switches off.
 */
import type { Store } from "./counts";

export type Paused = "file" | "workspace" | undefined;

const KEY = "slmLsp.paused";

export class Pause {
  private readonly files = new Set<string>();

  /** `store` is the workspace's; `changed` is called after each change. */
  constructor(
    private readonly store: Store,
    private readonly changed: () => void,
  ) {}

  /** What pauses a document, by its URI; undefined when nothing does. */
  of(uri: string | undefined): Paused {
    if (this.store.get(KEY) === true) {
      return "workspace";
    }
    return uri !== undefined && this.files.has(uri) ? "file" : undefined;
  }

  toggleFile(uri: string): void {
    if (!this.files.delete(uri)) {
      this.files.add(uri);
    }
    this.changed();
  }

  async toggleWorkspace(): Promise<void> {
    await this.store.update(KEY, this.store.get(KEY) === true ? undefined : true);
    this.changed();
  }
}

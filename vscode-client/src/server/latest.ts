/**
 * The server's latest answer to `slmLsp/status`.
 *
 * Knows: when to ask again. Must not know: what is done with the answer.
 */
import type { Status } from "./protocol";

/** Milliseconds of quiet before the server is asked: while somebody types, one question is enough. */
const QUIET = 300;

/** Milliseconds between questions while the model is still loading. */
const LOADING = 500;

export class Latest {
  private answer: Status | undefined;
  private timer: NodeJS.Timeout | undefined;

  /** `ask` is undefined-valued while there is no server; `changed` is called after each answer. */
  constructor(
    private readonly ask: () => Promise<Status> | undefined,
    private readonly changed: () => void,
  ) {}

  get status(): Status | undefined {
    return this.answer;
  }

  /** Ask when it has been quiet for a moment. */
  soon(milliseconds = QUIET): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      void this.now();
    }, milliseconds);
  }

  /** Ask at once; undefined when there is no server or it does not answer. */
  async now(): Promise<Status | undefined> {
    clearTimeout(this.timer);
    try {
      this.answer = await this.ask();
    } catch {
      this.answer = undefined; // It is about to end, or has: the lifecycle says so.
    }
    this.changed();
    if (this.answer?.state === "loading") {
      this.soon(LOADING);
    }
    return this.answer;
  }

  forget(): void {
    clearTimeout(this.timer);
    this.answer = undefined;
  }
}

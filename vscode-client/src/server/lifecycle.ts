/**
 * The server's life: started, restarted when it ends by itself, stopped; one thing at a time.
 *
 * Knows: the order of starts and stops, and the back-off between them. Must not know: how a server is reached,
 * or how its state is shown.
 */
import { BackOff } from "./backOff";

/** A session with a running server. */
export interface Connection {
  /** Resolves when the server ends although nobody asked it to, with a sentence that says how. */
  readonly ended: Promise<string>;
  stop(): Promise<void>;
}

/** Thrown by `connect` where there is no server to start yet; no reason to try again soon. */
export class NotSetUp extends Error {}

export type ServerState =
  | { readonly kind: "off" }
  | { readonly kind: "not set up"; readonly reason: string }
  | { readonly kind: "starting" }
  | { readonly kind: "running" }
  | { readonly kind: "waiting"; readonly reason: string; readonly attempt: number; readonly attempts: number }
  | { readonly kind: "given up"; readonly reason: string };

/** Whether starting it once more is no use: its environment is damaged, or it cannot run here. */
export function hasFailed(state: ServerState): boolean {
  return state.kind === "given up";
}

export interface LifecycleHooks<C extends Connection> {
  /** May take as long as it needs, unless `unwanted` is aborted: then nobody waits for the session any more. */
  connect(unwanted: AbortSignal): Promise<C>;
  changed(state: ServerState): void;
  log(message: string): void;
}

export class Lifecycle<C extends Connection> {
  private queue: Promise<void> = Promise.resolve();
  private current: C | undefined;
  private timer: NodeJS.Timeout | undefined;
  private opening = new AbortController();
  private now: ServerState = { kind: "off" };

  constructor(
    private readonly hooks: LifecycleHooks<C>,
    private readonly backOff: BackOff = new BackOff(),
    private readonly clock: () => number = () => performance.now() / 1000,
  ) {}

  get state(): ServerState {
    return this.now;
  }

  /** The session, while there is one. */
  get connection(): C | undefined {
    return this.current;
  }

  /** Start the server unless it runs, starts or waits for its next start. */
  start(): Promise<void> {
    return this.enqueue(async () => {
      if (!this.current && !this.timer) {
        await this.open();
      }
    });
  }

  /** Stop the server if it runs and start it anew; earlier crashes are forgotten. */
  restart(): Promise<void> {
    this.opening.abort();
    return this.enqueue(async () => {
      this.backOff.reset();
      await this.close();
      await this.open();
    });
  }

  stop(): Promise<void> {
    this.opening.abort();
    return this.enqueue(async () => {
      await this.close();
      this.become({ kind: "off" });
    });
  }

  private enqueue(work: () => Promise<void>): Promise<void> {
    this.queue = this.queue.then(work);
    return this.queue;
  }

  private async open(): Promise<void> {
    this.become({ kind: "starting" });
    const { signal } = (this.opening = new AbortController());
    let connection: C;
    try {
      connection = await this.hooks.connect(signal);
    } catch (error) {
      if (signal.aborted) {
        return; // A restart or a stop is next, and says what becomes of it.
      }
      const reason = error instanceof Error ? error.message : String(error);
      if (error instanceof NotSetUp) {
        this.become({ kind: "not set up", reason });
      } else {
        this.crashed(reason);
      }
      return;
    }
    this.current = connection;
    this.become({ kind: "running" });
    void connection.ended.then((reason) =>
      this.enqueue(async () => {
        if (this.current === connection) {
          this.current = undefined;
          await connection.stop();
          this.crashed(reason);
        }
      }),
    );
  }

  private async close(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    const connection = this.current;
    this.current = undefined;
    await connection?.stop();
  }

  private crashed(reason: string): void {
    const decision = this.backOff.crashed(this.clock());
    if (decision.kind === "give up") {
      const often = `It ended ${decision.crashes} times within ${decision.seconds} seconds`;
      this.become({ kind: "given up", reason: `${often}; the last time: ${reason}` });
      return;
    }
    this.become({ kind: "waiting", reason, attempt: decision.attempt, attempts: decision.attempts });
    this.timer = setTimeout(() => {
      this.timer = undefined;
      void this.start();
    }, decision.seconds * 1000);
  }

  private become(state: ServerState): void {
    this.now = state;
    this.hooks.log("reason" in state ? `server ${state.kind}: ${state.reason}` : `server ${state.kind}`);
    this.hooks.changed(state);
  }
}

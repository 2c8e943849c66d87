/**
 * When to start a server again that has ended by itself, and when to give up.
 *
 * Knows: times of crashes. Must not know: processes, the editor.
 */

export interface BackOffPlan {
  /** Seconds to wait before each further start; after as many crashes as there are entries, we give up. */
  readonly delays: readonly number[];
  /** Seconds after which a crash is forgotten. */
  readonly memory: number;
}

export const PLAN: BackOffPlan = { delays: [0.5, 1, 2, 5, 10], memory: 180 };

export type Decision =
  | { readonly kind: "again"; readonly seconds: number; readonly attempt: number; readonly attempts: number }
  | { readonly kind: "give up"; readonly crashes: number; readonly seconds: number };

export class BackOff {
  private crashes: number[] = [];

  constructor(private readonly plan: BackOffPlan = PLAN) {}

  /** Count a crash at `now` (seconds on any clock that only goes forward) and say what to do. */
  crashed(now: number): Decision {
    this.crashes = [...this.crashes.filter((then) => now - then < this.plan.memory), now];
    const attempt = this.crashes.length;
    const seconds = this.plan.delays[attempt - 1];
    if (seconds === undefined) {
      return { kind: "give up", crashes: attempt, seconds: Math.round(now - (this.crashes[0] ?? now)) };
    }
    return { kind: "again", seconds, attempt, attempts: this.plan.delays.length };
  }

  /** Forget all crashes: the user asked for a start. */
  reset(): void {
    this.crashes = [];
  }
}

/**
 * How many suggestions were accepted, partly accepted and dismissed on this machine.
 *
 * Knows: three numbers and since when. They stay in the editor's own storage on this machine: nothing here, or
 * anywhere in this extension, sends them. Must not know: what was suggested.
 */

/** The editor's storage, as far as it is needed here. */
export interface Store {
  get(key: string): unknown;
  update(key: string, value: unknown): PromiseLike<void>;
}

export interface Numbers {
  readonly since: string;
  readonly accepted: number;
  readonly partly: number;
  readonly dismissed: number;
}

export type Event = "accepted" | "partly" | "dismissed";

const KEY = "slmLsp.counts";

export class Counts {
  constructor(
    private readonly store: Store,
    private readonly today: () => string = () => new Date().toISOString().slice(0, 10),
  ) {}

  get numbers(): Numbers {
    const kept = this.store.get(KEY);
    return { since: this.today(), accepted: 0, partly: 0, dismissed: 0, ...(typeof kept === "object" ? kept : {}) };
  }

  async add(event: Event): Promise<void> {
    const numbers = this.numbers;
    await this.store.update(KEY, { ...numbers, [event]: numbers[event] + 1 });
  }

  async reset(): Promise<void> {
    await this.store.update(KEY, undefined);
  }
}

/** The numbers in a sentence. */
export function inWords(numbers: Numbers): string {
  const { since, accepted, partly, dismissed } = numbers;
  return `Since ${since}: ${accepted} accepted, ${partly} accepted in part, ${dismissed} dismissed. Counted on this machine only.`;
}

/** The numbers where there is little room. */
export function inBrief({ accepted, partly, dismissed }: Numbers): string {
  return `${accepted} whole, ${partly} in part, ${dismissed} dismissed`;
}

/**
 * Whether the model is thinking, slowly enough for a person to notice.
 *
 * Knows: requests under way. Must not know: what they ask, how thinking is shown.
 */

/** Milliseconds under which an answer is instant; showing that it was computed would only flicker. */
const INSTANT = 150;

export class Activity {
  private underWay = 0;
  private shown = false;
  private timer: NodeJS.Timeout | undefined;

  /** `changed` is called when `thinking` changes, `settled` after each request. */
  constructor(
    private readonly changed: () => void,
    private readonly settled: () => void,
    private readonly instant: number = INSTANT,
  ) {}

  get thinking(): boolean {
    return this.shown;
  }

  /** A request is under way until it settles, one way or the other. */
  asked(request: Promise<unknown>): void {
    this.underWay += 1;
    this.timer ??= setTimeout(() => {
      this.show(true);
    }, this.instant);
    const ended = (): void => {
      this.underWay -= 1;
      if (this.underWay === 0) {
        clearTimeout(this.timer);
        this.timer = undefined;
        this.show(false);
      }
      this.settled();
    };
    request.then(ended, ended);
  }

  private show(thinking: boolean): void {
    if (thinking !== this.shown) {
      this.shown = thinking;
      this.changed();
    }
  }
}

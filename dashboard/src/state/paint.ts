// When the page is painted: what came meanwhile is taken over at once, ten times a second at most, with a frame.

export const LEAST_MS = 100;

/** Runs what was asked for, each once, on the next frame that is `LEAST_MS` or more after the last. */
export class Painter {
  private readonly due = new Set<() => void>();
  private waiting = false;
  private painted = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly now: () => number = () => performance.now(),
    private readonly later: (run: () => void, ms: number) => void = (run, ms) => setTimeout(run, ms),
    private readonly frame: (run: () => void) => void = (run) => nextFrame(run),
  ) {}

  /** Has `run` called with the next painting; asking again before that changes nothing. */
  ask(run: () => void): void {
    this.due.add(run);
    if (this.waiting) return;
    this.waiting = true;
    const ms = this.painted + LEAST_MS - this.now();
    if (ms <= 0) this.frame(this.paint);
    else this.later(() => this.frame(this.paint), ms);
  }

  private readonly paint = (): void => {
    this.waiting = false;
    this.painted = this.now();
    const due = [...this.due];
    this.due.clear();
    for (const run of due) run();
  };
}

// A hidden page gets no frames; what it would show is kept current at a slow pace.
function nextFrame(run: () => void): void {
  if (document.hidden) setTimeout(run, 1_000);
  else requestAnimationFrame(run);
}

export const painter = new Painter();

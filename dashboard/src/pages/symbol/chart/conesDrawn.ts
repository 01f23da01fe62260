// Draws cones behind the candles: that of now ahead of the last one, and past ones left standing.

import type {
  AutoscaleInfo,
  IPrimitivePaneRenderer,
  IPrimitivePaneView,
  ISeriesPrimitive,
  Logical,
  SeriesAttachedParameter,
  Time,
} from "lightweight-charts";
import { BANDS, priceAt } from "../cone";

type Target = Parameters<IPrimitivePaneRenderer["draw"]>[0];

/** Quantiles of the return at points of time, from a price. */
export interface DrawnCone {
  /** The close at which it was said, ms of the epoch. */
  readonly at: number;
  readonly price: number;
  readonly points: readonly { readonly minutes: number; readonly quantiles: readonly number[] }[];
  /** Whether the close of its horizon lay within the 80 % band; `null` while that is open, or not known. */
  readonly held: boolean | null;
  readonly past: boolean;
}

const DEPTHS = { now: [0.14, 0.2, 0.3], past: [0.06, 0.08, 0.1] } as const;
const LEAST_TEXT_PX = 44;

export class ConesDrawn implements ISeriesPrimitive<Time> {
  private cones: readonly DrawnCone[] = [];
  private first = 0;
  private length = 60_000;
  private attachedTo: SeriesAttachedParameter<Time> | null = null;
  private colours = { cone: "#888", text: "#888" };
  private readonly view: IPrimitivePaneView = {
    zOrder: () => "bottom",
    renderer: () => ({ draw: (target) => this.draw(target) }),
  };

  attached(to: SeriesAttachedParameter<Time>): void {
    this.attachedTo = to;
  }

  detached(): void {
    this.attachedTo = null;
  }

  paneViews(): readonly IPrimitivePaneView[] {
    return [this.view];
  }

  /** `first` is when the first bar began, `length` how long bars are, both ms. */
  show(cones: readonly DrawnCone[], first: number, length: number): void {
    [this.cones, this.first, this.length] = [cones, first, length];
    this.attachedTo?.requestUpdate();
  }

  paint(colours: { cone: string; text: string }): void {
    this.colours = colours;
    this.attachedTo?.requestUpdate();
  }

  /** The scale of prices makes room for the cone of now. */
  autoscaleInfo(from: Logical, to: Logical): AutoscaleInfo | null {
    const seen = this.cones.filter((cone) => {
      const [start, end] = [this.logical(cone, 0), this.logical(cone, cone.points.at(-1)?.minutes ?? 0)];
      return !cone.past && start <= to && end >= from;
    });
    const prices = seen.flatMap(({ price, points }) =>
      points.flatMap(({ quantiles }) => quantiles.map((each) => priceAt(price, each))),
    );
    if (prices.length === 0) return null;
    return { priceRange: { minValue: Math.min(...prices), maxValue: Math.max(...prices) } };
  }

  /** A bar's middle is a whole number, and the time of a close lies half a bar before the middle of the next. */
  private logical(cone: DrawnCone, minutes: number): number {
    return (cone.at + minutes * 60_000 - this.first) / this.length - 0.5;
  }

  /** The scale of time knows whole bars alone. */
  private across(logical: number): number | null {
    const scale = this.attachedTo?.chart.timeScale();
    const [low, high] = [Math.floor(logical), Math.floor(logical) + 1];
    const from = scale?.logicalToCoordinate(low as Logical) ?? null;
    const to = scale?.logicalToCoordinate(high as Logical) ?? null;
    return from === null || to === null ? null : from + (logical - low) * (to - from);
  }

  private draw(target: Target): void {
    if (this.attachedTo === null) return;
    const { series } = this.attachedTo;
    target.useMediaCoordinateSpace(({ context, mediaSize }) => {
      for (const cone of this.cones) {
        const points = cone.points.flatMap(({ minutes, quantiles }) => {
          const x = this.across(this.logical(cone, minutes));
          const ys = quantiles.map((each) => series.priceToCoordinate(priceAt(cone.price, each)));
          return x === null || ys.some((y) => y === null) ? [] : [{ x, ys: ys as number[] }];
        });
        const [start] = points;
        const end = points.at(-1);
        if (start === undefined || end === undefined || end.x < 0 || start.x > mediaSize.width) continue;
        context.fillStyle = this.colours.cone;
        BANDS.forEach(({ low, high }, i) => {
          context.globalAlpha = DEPTHS[cone.past ? "past" : "now"][i] ?? 0;
          context.beginPath();
          points.forEach(({ x, ys }) => context.lineTo(x, ys[high] ?? 0));
          points.toReversed().forEach(({ x, ys }) => context.lineTo(x, ys[low] ?? 0));
          context.fill();
        });
        context.globalAlpha = 1;
        this.name(context, cone, start, end);
      }
    });
  }

  private name(
    context: CanvasRenderingContext2D,
    cone: DrawnCone,
    start: { x: number; ys: number[] },
    end: { x: number; ys: number[] },
  ): void {
    context.fillStyle = this.colours.text;
    context.font = "11px system-ui, sans-serif";
    if (!cone.past) {
      context.textAlign = "right";
      for (const { share, high } of BANDS.slice(0, 2))
        context.fillText(`${share} %`, end.x - 3, (end.ys[high] ?? 0) + 12);
      return;
    }
    context.beginPath();
    context.arc(start.x, start.ys[2] ?? 0, 2, 0, 2 * Math.PI);
    context.fill();
    if (cone.held === null || end.x - start.x < LEAST_TEXT_PX) return;
    context.textAlign = "center";
    context.fillText(cone.held ? "80 % held" : "80 % left", (start.x + end.x) / 2, (end.ys[0] ?? 0) + 12);
  }
}

// The chart of prices: candles, volume, cones, levels and past signals, in the colours of the page.

import {
  CandlestickSeries,
  createChart,
  createSeriesMarkers,
  HistogramSeries,
  LineStyle,
  type CandlestickData,
  type HistogramData,
  type IPriceLine,
  type SeriesMarker,
  type Time,
  type UTCTimestamp,
  type WhitespaceData,
} from "lightweight-charts";
import { onTick, priceText } from "../../../format/numbers";
import { timeText } from "../../../format/times";
import { colour } from "../../../state/theme.svelte";
import { evenly, type Bar } from "./bars";
import { ConesDrawn, type DrawnCone } from "./conesDrawn";

export interface Level {
  readonly title: string;
  readonly price: number;
}

/** A label that changed, at the close of a bar. */
export interface Mark {
  readonly at: number;
  readonly text: string;
  readonly side: "up" | "down" | "none";
  /** What came of it after costs: empty while that is not known, and of what claims nothing. */
  readonly came: "up" | "down" | "";
  /** Its id, by which a click on it is told. */
  readonly id: string;
}

/** Where the cursor is: the price, and the time as ms of the epoch. */
export type Cursor = { price: number; at: number | null } | null;

const SECOND = 1_000;
const BARS_IN_SIGHT = 110;
const LEAST_AHEAD = 4;
const stamp = (ms: number): UTCTimestamp => (ms / SECOND) as UTCTimestamp;

export class PriceChart {
  private readonly chart;
  private readonly candles;
  private readonly volume;
  private readonly marks;
  private readonly cones = new ConesDrawn();
  private lines: IPriceLine[] = [];
  private now: IPriceLine | null = null;
  private tickSize: number | null = null;
  private colours = this.read();

  constructor(
    element: HTMLElement,
    private readonly moved: (cursor: Cursor) => void,
    private readonly opened: (mark: string) => void,
  ) {
    this.chart = createChart(element, {
      autoSize: true,
      layout: { attributionLogo: false, fontFamily: getComputedStyle(element).fontFamily, fontSize: 11 },
      timeScale: { timeVisible: true, secondsVisible: false, tickMarkFormatter: localTime },
      localization: {
        priceFormatter: (price: number) => priceText(this.rounded(price), this.tickSize),
        timeFormatter: localMoment,
      },
      crosshair: { mode: 0 },
      handleScroll: { mouseWheel: true, pressedMouseMove: true, vertTouchDrag: false },
      handleScale: { mouseWheel: true, pinch: true, axisPressedMouseMove: true },
    });
    this.candles = this.chart.addSeries(CandlestickSeries, {
      priceLineVisible: false,
      lastValueVisible: false,
      borderVisible: false,
    });
    this.volume = this.chart.addSeries(HistogramSeries, {
      priceScaleId: "volume",
      priceFormat: { type: "volume" },
      lastValueVisible: false,
      priceLineVisible: false,
    });
    this.chart.priceScale("volume").applyOptions({ scaleMargins: { top: 0.86, bottom: 0 } });
    this.candles.priceScale().applyOptions({ scaleMargins: { top: 0.06, bottom: 0.18 } });
    this.candles.attachPrimitive(this.cones);
    this.marks = createSeriesMarkers(this.candles, []);
    this.chart.subscribeCrosshairMove(({ point, logical, time }) => {
      const price = point === undefined ? null : this.candles.coordinateToPrice(point.y);
      const at = typeof time === "number" ? time * SECOND : null;
      this.moved(price === null || logical === undefined ? null : { price, at });
    });
    this.chart.subscribeClick(({ hoveredInfo }) => {
      const mark = hoveredInfo?.objectId;
      if (typeof mark === "string" && this.marks.markers().some(({ id }) => id === mark)) this.opened(mark);
    });
    this.repaint();
  }

  /** Bars of one length (ms); the last one is still forming where `open`. `anew` shows the newest. */
  show(bars: readonly Bar[], length: number, open: boolean, anew: boolean, aheadMs: number): void {
    const ahead = Math.max(LEAST_AHEAD, Math.ceil(aheadMs / length) + 1);
    const slots = evenly(bars, length, ahead);
    const last = bars.at(-1)?.at;
    const candles: (CandlestickData | WhitespaceData)[] = slots.map(({ at, bar }) => {
      if (bar === null) return { time: stamp(at) };
      const { open: from, high, low, close } = bar;
      const faint = open && at === last ? { color: close >= from ? this.colours.upFaint : this.colours.downFaint } : {};
      return { time: stamp(at), open: from, high, low, close, ...faint };
    });
    const volumes: (HistogramData | WhitespaceData)[] = slots.map(({ at, bar }) =>
      bar === null ? { time: stamp(at) } : { time: stamp(at), value: bar.volume },
    );
    this.candles.setData(candles);
    this.volume.setData(volumes);
    if (anew && slots.length > 0) {
      const inSight = Math.max(BARS_IN_SIGHT, Math.min(3 * ahead, 200));
      this.chart.timeScale().setVisibleLogicalRange({ from: slots.length - ahead - inSight, to: slots.length });
    }
  }

  showCones(cones: readonly DrawnCone[], first: number, length: number): void {
    this.cones.show(cones, first, length);
  }

  showLevels(levels: readonly Level[]): void {
    for (const line of this.lines) this.candles.removePriceLine(line);
    this.lines = levels.map(({ title, price }) =>
      this.candles.createPriceLine({
        price,
        title,
        color: this.colours.line,
        lineWidth: 1,
        lineStyle: LineStyle.Dotted,
        axisLabelVisible: true,
        axisLabelColor: this.colours.grid,
        axisLabelTextColor: this.colours.muted,
      }),
    );
  }

  showMarks(marks: readonly Mark[]): void {
    const drawn = marks.map(({ at, text, side, came, id }): SeriesMarker<Time> => ({
      id,
      time: stamp(at),
      text,
      position: side === "up" ? "belowBar" : "aboveBar",
      shape: side === "up" ? "arrowUp" : side === "down" ? "arrowDown" : "circle",
      color: came === "" ? this.colours.forecast : this.colours[came],
    }));
    this.marks.setMarkers(drawn);
  }

  /** The price as it is now, and the step of prices. */
  showPrice(price: number | null, tickSize: number | null): void {
    if (tickSize !== this.tickSize) {
      this.tickSize = tickSize;
      this.candles.applyOptions({
        priceFormat: {
          type: "custom",
          minMove: tickSize ?? 1e-8,
          formatter: (each: number) => priceText(this.rounded(each), tickSize),
        },
      });
    }
    if (price === null) return;
    if (this.now === null) {
      this.now = this.candles.createPriceLine({
        price,
        color: this.colours.text,
        lineWidth: 1,
        lineStyle: LineStyle.Dashed,
        axisLabelVisible: true,
        title: "",
      });
    } else this.now.applyOptions({ price, color: this.colours.text });
  }

  /** Takes the colours of the page as they are now. */
  repaint(): void {
    const c = (this.colours = this.read());
    this.chart.applyOptions({
      layout: { background: { color: "transparent" }, textColor: c.muted },
      grid: { vertLines: { visible: false }, horzLines: { color: c.grid } },
      crosshair: {
        vertLine: { color: c.line, labelBackgroundColor: c.line },
        horzLine: { color: c.line, labelBackgroundColor: c.line },
      },
      rightPriceScale: { borderVisible: false },
      timeScale: { borderVisible: false },
    });
    this.candles.applyOptions({ upColor: c.up, downColor: c.down, wickUpColor: c.up, wickDownColor: c.down });
    this.volume.applyOptions({ color: c.volume });
    this.cones.paint({ cone: c.forecast, text: c.forecast });
    this.now?.applyOptions({ color: c.text });
  }

  close(): void {
    this.chart.remove();
  }

  private rounded(price: number): number {
    return this.tickSize === null ? Number(price.toPrecision(8)) : onTick(price, this.tickSize);
  }

  private read() {
    const up = colour("--up");
    const down = colour("--down");
    return {
      up,
      down,
      upFaint: faint(up),
      downFaint: faint(down),
      forecast: colour("--forecast"),
      text: colour("--text"),
      muted: colour("--muted"),
      line: colour("--strong-line"),
      grid: colour("--line"),
      volume: colour("--track"),
    };
  }
}

/** A colour as a canvas has it, half as strong. */
function faint(found: string): string {
  const [red, green, blue] = found.match(/[\d.]+/g) ?? [];
  return `rgba(${red}, ${green}, ${blue}, 0.45)`;
}

const iso = (time: Time): string => new Date(Number(time) * SECOND).toISOString();
const localMoment = (time: Time): string => timeText(iso(time), "moment");

function localTime(time: Time, kind: number): string {
  const moment = timeText(iso(time), "moment").split(" ");
  return kind <= 2 ? moment.slice(0, 2).join(" ") : (moment.at(-1) ?? "");
}

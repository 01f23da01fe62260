// Puts a picture of depth on a canvas: sizes, gaps, the middle of the touch, large trades, and both axes.

import { scaleLinear } from "d3-scale";
import { onTick, priceText } from "../../../format/numbers";
import { timeText } from "../../../format/times";
import { colour } from "../../../state/theme.svelte";
import { bubbles, type Discs } from "./bubbles";
import type { Bubble } from "./columns";
import { NOTHING, type Gap, type GapKind, type Picture, type Range, type View } from "./paint";

/** Room for the axes: prices at the right, times below. */
export const AXIS_PX = 66;
export const TIMES_PX = 18;
const STEPS_S = [5, 10, 30, 60, 120, 300, 600, 900, 1_800, 3_600];
const LABEL_PX = 76;
const FAINT = 26;
const HATCH_PX = 6;

export interface Palette {
  /** Colours of 256 strengths, as the bytes of an image. */
  readonly heat: Uint32Array;
  readonly patterns: Readonly<Record<GapKind, CanvasPattern | null>>;
  readonly text: string;
  readonly muted: string;
  readonly line: string;
  readonly up: string;
  readonly down: string;
  readonly ring: string;
  readonly discs: Discs;
  readonly font: string;
}

function channels(found: string): [number, number, number] {
  const [red = 0, green = 0, blue = 0] = (found.match(/[\d.]+/g) ?? []).map(Number);
  return [red, green, blue];
}

/** The colours of the theme as it is now. */
export function paletteOf(context: CanvasRenderingContext2D): Palette {
  const [red, green, blue] = channels(colour("--depth"));
  const heat = Uint32Array.from({ length: 256 }, (_, i) => {
    const alpha = Math.round(FAINT + (255 - FAINT) * (i / 255) ** 1.5);
    return ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0;
  });
  const strong = colour("--strong-line");
  return {
    heat,
    patterns: {
      invalid: hatched(context, strong, 1),
      stale: hatched(context, strong, -1),
      unseen: dotted(context, strong),
    },
    text: colour("--text"),
    muted: colour("--muted"),
    line: colour("--line"),
    up: colour("--up"),
    down: colour("--down"),
    ring: colour("--panel"),
    discs: new Map(),
    font: `11px ${getComputedStyle(document.body).fontFamily}`,
  };
}

function tile(): [HTMLCanvasElement, CanvasRenderingContext2D | null] {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = HATCH_PX;
  return [canvas, canvas.getContext("2d")];
}

function hatched(context: CanvasRenderingContext2D, stroke: string, way: 1 | -1): CanvasPattern | null {
  const [canvas, drawn] = tile();
  if (drawn === null) return null;
  drawn.strokeStyle = stroke;
  drawn.lineWidth = 1;
  for (const offset of [-HATCH_PX, 0, HATCH_PX]) {
    drawn.moveTo(offset, way > 0 ? HATCH_PX : 0);
    drawn.lineTo(offset + HATCH_PX, way > 0 ? 0 : HATCH_PX);
  }
  drawn.stroke();
  return context.createPattern(canvas, "repeat");
}

function dotted(context: CanvasRenderingContext2D, fill: string): CanvasPattern | null {
  const [canvas, drawn] = tile();
  if (drawn === null) return null;
  drawn.fillStyle = fill;
  drawn.fillRect(2, 2, 1.5, 1.5);
  return context.createPattern(canvas, "repeat");
}

export interface Scene {
  readonly picture: Picture;
  readonly view: View;
  readonly range: Range;
  readonly contrast: readonly [faint: number, full: number];
  readonly bubbles: readonly Bubble[];
  readonly tick: number | null;
  /** Size of the canvas, CSS pixels. */
  readonly width: number;
  readonly height: number;
}

/** Where a second and a price (or distance) are, in CSS pixels. */
export function placesOf({
  view,
  range: [low, high],
  width,
  height,
}: Pick<Scene, "view" | "range" | "width" | "height">) {
  const [wide, tall] = [width - AXIS_PX, height - TIMES_PX];
  return {
    wide,
    tall,
    x: (second: number) => ((second - view.left) / view.span) * wide,
    y: (price: number) => ((high - price) / (high - low)) * tall,
    second: (x: number) => view.left + (x / wide) * view.span,
    price: (y: number) => high - (y / tall) * (high - low),
  };
}

/** Draws the scene; `buffer` is a canvas of its own for the cells, which are scaled from there. */
export function draw(
  context: CanvasRenderingContext2D,
  buffer: HTMLCanvasElement,
  scene: Scene,
  palette: Palette,
): void {
  const { picture, view, width, height } = scene;
  const places = placesOf(scene);
  const ratio = devicePixelRatio;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  context.save();
  context.beginPath();
  context.rect(0, 0, places.wide, places.tall);
  context.clip();
  cells(buffer, scene, palette);
  context.imageSmoothingEnabled = false;
  const [left, right] = [picture.first, picture.first + picture.columns * picture.step].map(places.x);
  context.drawImage(buffer, left ?? 0, 0, (right ?? 0) - (left ?? 0), places.tall);
  for (const gap of picture.gaps) gapOf(context, gap, places, palette);
  touch(context, scene, places, palette);
  bubbles(context, scene, places, palette);
  context.restore();
  prices(context, scene, places, palette);
  times(context, view, places, palette);
}

export type Places = ReturnType<typeof placesOf>;

/** Of whichever depth is drawn; each has a buffer of its own. */
let image: ImageData | null = null;

function cells(buffer: HTMLCanvasElement, { picture, contrast: [faint, full] }: Scene, palette: Palette): void {
  const { columns, rows, levels } = picture;
  const context = buffer.getContext("2d");
  if (context === null) return;
  if (image?.width !== columns || image.height !== rows) image = context.createImageData(columns, rows);
  if (buffer.width !== columns || buffer.height !== rows) [buffer.width, buffer.height] = [columns, rows];
  const pixels = new Uint32Array(image.data.buffer);
  const scale = 255 / (full - faint);
  const { heat } = palette;
  for (let x = 0, from = 0; x < columns; x += 1) {
    for (let to = x; to < pixels.length; to += columns, from += 1) {
      const level = levels[from] ?? NOTHING;
      if (level === NOTHING) pixels[to] = 0;
      else {
        const strength = (level - faint) * scale;
        pixels[to] = heat[strength < 0 ? 0 : strength > 255 ? 255 : strength | 0] ?? 0;
      }
    }
  }
  context.putImageData(image, 0, 0);
}

function gapOf(context: CanvasRenderingContext2D, gap: Gap, { x, tall }: Places, palette: Palette): void {
  context.fillStyle = palette.patterns[gap.kind] ?? palette.line;
  context.fillRect(x(gap.from), 0, x(gap.to) - x(gap.from), tall);
}

function touch(context: CanvasRenderingContext2D, { picture }: Scene, { x, y }: Places, palette: Palette): void {
  context.beginPath();
  let open = false;
  picture.middles.forEach((middle, i) => {
    if (Number.isNaN(middle)) open = false;
    else {
      const at = x(picture.first + (i + 0.5) * picture.step);
      if (open) context.lineTo(at, y(middle));
      else context.moveTo(at, y(middle));
      open = true;
    }
  });
  context.strokeStyle = palette.text;
  context.globalAlpha = 0.85;
  context.lineWidth = 1;
  context.stroke();
  context.globalAlpha = 1;
}

function prices(context: CanvasRenderingContext2D, scene: Scene, { wide, tall, y }: Places, palette: Palette): void {
  const { range, tick, view } = scene;
  context.font = palette.font;
  context.textBaseline = "middle";
  context.textAlign = "left";
  for (const price of scaleLinear(range, [tall, 0]).ticks(Math.max(3, Math.round(tall / 56)))) {
    context.fillStyle = palette.line;
    context.globalAlpha = 0.6;
    context.fillRect(0, Math.round(y(price)), wide, 1);
    context.globalAlpha = 1;
    context.fillStyle = palette.muted;
    const text = `${view.centred && price > 0 ? "+" : ""}${priceText(onTick(price, tick), tick)}`;
    context.fillText(text, wide + 6, Math.min(tall - 6, Math.max(6, y(price))));
  }
}

function times(context: CanvasRenderingContext2D, view: View, { wide, tall, x }: Places, palette: Palette): void {
  const least = (LABEL_PX / wide) * view.span;
  const step = STEPS_S.find((each) => each >= least) ?? 3_600;
  context.fillStyle = palette.muted;
  context.textBaseline = "top";
  context.textAlign = "center";
  for (let at = Math.ceil(view.left / step) * step; at < view.left + view.span; at += step) {
    const place = x(at);
    if (place < LABEL_PX / 3 || place > wide - LABEL_PX / 3) continue;
    context.fillRect(Math.round(place), tall, 1, 3);
    context.fillText(timeText(new Date(at * 1_000).toISOString(), step < 60 ? "clock" : "minute"), place, tall + 4);
  }
}

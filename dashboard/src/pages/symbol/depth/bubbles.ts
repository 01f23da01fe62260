// Large trades as discs. Each size and colour is drawn once and copied from there: an hour has hundreds, and to fill
// and stroke as many circles takes Chromium half of a frame.

import type { Palette, Places, Scene } from "./draw";

const MOST_PX = 9;
const LEAST_PX = 2;
/** Radii are told apart by so much of a pixel of the screen. */
const STEP = 0.5;
const RING_PX = 1;

/** Discs by colour, ratio of pixels, and radius in pixels of the screen, as one number. */
export type Discs = Map<number, HTMLCanvasElement>;
const RATIO = 1_000;

export function bubbles(
  context: CanvasRenderingContext2D,
  scene: Scene,
  { x, y }: Pick<Places, "x" | "y">,
  palette: Palette,
): void {
  const ratio = devicePixelRatio;
  const most = scene.bubbles.reduce((largest, { size }) => Math.max(largest, size), 1e-12);
  context.save();
  context.setTransform(1, 0, 0, 1, 0, 0);
  for (const { at, price, size, bought } of scene.bubbles) {
    const radius = Math.max(LEAST_PX, MOST_PX * Math.sqrt(size / most));
    const disc = discOf(palette, bought, Math.round((radius * ratio) / STEP) * STEP, ratio);
    const half = disc.width / 2;
    context.drawImage(disc, Math.round(ratio * x(at / 1_000) - half), Math.round(ratio * y(price) - half));
  }
  context.restore();
}

function discOf({ discs, up, down, ring }: Palette, bought: boolean, radius: number, ratio: number): HTMLCanvasElement {
  const name = (bought ? 1 : -1) * (RATIO * ratio + radius);
  const found = discs.get(name);
  if (found !== undefined) return found;
  const canvas = document.createElement("canvas");
  const middle = Math.ceil(radius + RING_PX * ratio);
  canvas.width = canvas.height = 2 * middle;
  const context = canvas.getContext("2d");
  if (context !== null) {
    context.arc(middle, middle, radius, 0, 2 * Math.PI);
    context.fillStyle = bought ? up : down;
    context.globalAlpha = 0.85;
    context.fill();
    context.globalAlpha = 1;
    context.strokeStyle = ring;
    context.lineWidth = RING_PX * ratio;
    context.stroke();
  }
  discs.set(name, canvas);
  return canvas;
}

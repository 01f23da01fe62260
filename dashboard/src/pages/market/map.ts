// The map of the universe: how areas are laid out, and how they are drawn.

import { hierarchy, treemap, treemapSquarify } from "d3-hierarchy";
import type { SymbolItem } from "../../api/types";
import { split } from "../../format/words";
import { colour } from "../../state/theme.svelte";
import type { Mode, Scale } from "./heat";

export interface Leaf {
  readonly symbol: string;
  /** Quote units of 24 h. */
  readonly turnover: number;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

type Node = { children?: Node[]; symbol?: string; turnover?: number };
const GAP = 2;
const RADIUS = 3;
const SMALL = 11;
const LARGE = 15;

/** The areas of all symbols with turnover, in pixels; none while the size or the turnover is unknown. */
export function lay(symbols: readonly SymbolItem[], width: number, height: number): Leaf[] {
  const children = symbols.flatMap(({ symbol, turnover_24h: turnover }) => (turnover ? [{ symbol, turnover }] : []));
  if (width === 0 || height === 0 || children.length === 0) return [];
  const root = hierarchy<Node>({ children }).sum((node) => node.turnover ?? 0);
  root.sort((one, other) => (other.value ?? 0) - (one.value ?? 0));
  const laid = treemap<Node>().tile(treemapSquarify.ratio(1.3)).size([width, height]).paddingInner(GAP).round(true)(
    root,
  );
  return laid
    .leaves()
    .flatMap(({ data: { symbol, turnover }, x0, x1, y0, y1 }) =>
      symbol === undefined || turnover === undefined
        ? []
        : [{ symbol, turnover, x: x0, y: y0, width: x1 - x0, height: y1 - y0 }],
    );
}

/** The area that holds a point. */
export function at(leaves: readonly Leaf[], x: number, y: number): Leaf | undefined {
  return leaves.find((leaf) => x >= leaf.x && x < leaf.x + leaf.width && y >= leaf.y && y < leaf.y + leaf.height);
}

/** Draws all areas anew; `under` is the one that is pointed at. What is unknown is hatched. */
export function draw(
  canvas: HTMLCanvasElement,
  width: number,
  height: number,
  leaves: readonly Leaf[],
  under: Leaf | undefined,
  mode: Mode,
  scale: Scale,
  valueOf: (symbol: string) => number | null,
): void {
  const dense = devicePixelRatio;
  const [wide, high] = [Math.round(width * dense), Math.round(height * dense)];
  if (canvas.width !== wide || canvas.height !== high) [canvas.width, canvas.height] = [wide, high];
  const context = canvas.getContext("2d");
  if (context === null) return;
  context.setTransform(dense, 0, 0, dense, 0, 0);
  context.clearRect(0, 0, width, height);
  const [ground, line, text] = [colour("--raised"), colour("--strong-line"), colour("--text")];
  const hues = new Map<string, string>();
  const rem = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
  const family = getComputedStyle(document.body).fontFamily;
  for (const leaf of leaves) {
    const value = valueOf(leaf.symbol);
    context.beginPath();
    context.roundRect(leaf.x, leaf.y, leaf.width, leaf.height, Math.min(RADIUS, leaf.width / 4, leaf.height / 4));
    context.fillStyle = ground;
    context.fill();
    if (value === null) hatch(context, leaf, line);
    else {
      const role = mode.role(value);
      const hue = hues.get(role) ?? colour(role);
      hues.set(role, hue);
      context.globalAlpha = scale.depth(value);
      context.fillStyle = hue;
      context.fill();
      context.globalAlpha = 1;
    }
    if (leaf === under) {
      context.strokeStyle = text;
      context.lineWidth = 1.5;
      context.stroke();
    }
    label(context, leaf, mode.text(value), text, rem, family);
  }
}

function label(
  context: CanvasRenderingContext2D,
  leaf: Leaf,
  value: string,
  colour: string,
  rem: number,
  family: string,
): void {
  const size = rem * (leaf.width > 90 * rem && leaf.height > 60 * rem ? LARGE : SMALL);
  const inner = leaf.width - 12 * rem;
  if (leaf.height < size + 8 * rem || inner < 2 * size) return;
  context.fillStyle = colour;
  context.textBaseline = "top";
  context.font = `600 ${size}px ${family}`;
  const name = split(leaf.symbol)[0];
  if (context.measureText(name).width > inner) return;
  context.fillText(name, leaf.x + 6 * rem, leaf.y + 6 * rem);
  context.font = `${SMALL * rem}px ${family}`;
  if (leaf.height < size + (SMALL + 14) * rem || context.measureText(value).width > inner) return;
  context.fillText(value, leaf.x + 6 * rem, leaf.y + size + 10 * rem);
}

function hatch(context: CanvasRenderingContext2D, leaf: Leaf, colour: string): void {
  context.save();
  context.clip();
  context.strokeStyle = colour;
  context.lineWidth = 1;
  context.beginPath();
  for (let x = leaf.x - leaf.height; x < leaf.x + leaf.width; x += 7) {
    context.moveTo(x, leaf.y + leaf.height);
    context.lineTo(x + leaf.height, leaf.y);
  }
  context.stroke();
  context.restore();
}

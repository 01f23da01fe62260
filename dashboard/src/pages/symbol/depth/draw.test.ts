import { afterEach, expect, it, vi } from "vitest";
import { draw, type Palette, type Scene } from "./draw";
import { NOTHING } from "./paint";

vi.mock("../../../state/theme.svelte", () => ({ colour: () => "rgb(0 0 0)" }));

/** A context that takes whatever is drawn. */
const taking = () => new Proxy({}, { get: () => () => undefined, set: () => true }) as CanvasRenderingContext2D;

function bufferOf(): HTMLCanvasElement {
  const createImageData = (width: number, height: number) => ({
    width,
    height,
    data: new Uint8ClampedArray(4 * width * height),
  });
  const getContext = () => ({ createImageData, putImageData: () => undefined });
  return { width: 300, height: 150, getContext } as unknown as HTMLCanvasElement;
}

const scene: Scene = {
  picture: {
    step: 1,
    first: 0,
    columns: 10,
    rows: 8,
    levels: new Int16Array(80).fill(NOTHING),
    middles: new Float64Array(10).fill(Number.NaN),
    gaps: [],
  },
  view: { left: 0, span: 10, centred: false },
  range: [0, 1],
  contrast: [0, 1],
  bubbles: [],
  tick: null,
  width: 100,
  height: 100,
};
const palette = { heat: new Uint32Array(256), patterns: {} } as unknown as Palette;

afterEach(() => vi.unstubAllGlobals());

it("draws a disc once, however many trades of its size and colour there are", () => {
  const circles: number[] = [];
  const copied: unknown[] = [];
  const drawing = { arc: (_x: number, _y: number, radius: number) => circles.push(radius) };
  const context = (own: object) => new Proxy(own, { get: (of, name) => Reflect.get(of, name) ?? (() => undefined) });
  vi.stubGlobal("devicePixelRatio", 2);
  vi.stubGlobal("document", { createElement: () => ({ width: 0, height: 0, getContext: () => context(drawing) }) });
  const bubbles = [1, 2, 3, 4, 5, 6].map((at) => ({
    at: at * 1_000,
    price: 0.5,
    size: at > 4 ? 1 : 4,
    bought: at > 2,
  }));
  const target = context({ drawImage: (drawn: unknown) => copied.push(drawn) }) as CanvasRenderingContext2D;
  draw(target, bufferOf(), { ...scene, bubbles }, { ...palette, up: "green", down: "red", discs: new Map() });
  expect(circles).toEqual([18, 18, 9]);
  expect(copied.length).toBe(1 + bubbles.length);
});

it("has the whole picture in the buffer of each symbol, of one that is opened after another too", () => {
  vi.stubGlobal("devicePixelRatio", 1);
  const [one, other] = [bufferOf(), bufferOf()];
  for (const buffer of [one, other]) draw(taking(), buffer, scene, palette);
  expect([one.width, one.height, other.width, other.height]).toEqual([10, 8, 10, 8]);
});

// How numbers are written: the rules of `virtuoso/model/text/numbers.py`, digit by digit (tests/data/number-texts.json is
// read by the tests of both).

export const UNKNOWN = "—";
type Known<T> = T | null | undefined;

const DIGITS = 15;
const BETWEEN_TICKS = 5e-6;
const AMOUNT_DIGITS = 4;
const NOISE = 1e-15;
const MOST = 1e18;

/** A price to its tick's decimals; between ticks, and without a tick, with as many more as it needs. */
export function priceText(price: Known<number>, tickSize: Known<number> = null): string {
  if (price === null || price === undefined || !(Math.abs(price) < MOST)) return UNKNOWN;
  const step = tickSize !== null && tickSize !== undefined && tickSize >= NOISE && tickSize < MOST ? tickSize : null;
  if (Math.abs(price) < NOISE) return fixed(0, step === null ? 0 : decimalsOf(step));
  const most = Math.max(0, DIGITS - 1 - exponentOf(price));
  if (step === null) return grouped(price, Math.min(most, decimalsOf(rounded(price, DIGITS))));
  let decimals = Math.min(most, decimalsOf(step));
  while (decimals < most && Math.abs(Number(fixed(price, decimals)) - price) > BETWEEN_TICKS * Math.abs(price)) {
    decimals += 1;
  }
  return grouped(price, decimals);
}

/** The step of prices nearest to a price; the price itself where the step is not known. */
export function onTick(price: number, tickSize: Known<number>): number {
  return tickSize === null || tickSize === undefined ? price : Math.round(price / tickSize) * tickSize;
}

/** An amount with its currency: whole from 1,000 on, below with four digits that say something and two decimals. */
export function amountText(amount: Known<number>, currency: Known<string>): string {
  if (amount === null || amount === undefined || !(Math.abs(amount) < MOST)) return UNKNOWN;
  const size = Math.abs(amount);
  const decimals = size >= 999.5 ? 0 : size >= 10 || size < NOISE ? 2 : AMOUNT_DIGITS - 1 - exponentOf(size);
  return `${grouped(amount, decimals)} ${currency || "quote units"}`;
}

/** Any other number to `digits` significant digits, without zeros at the end of its decimals. */
export function numberText(value: Known<number>, digits = 6): string {
  if (value === null || value === undefined || !(Math.abs(value) < MOST)) return UNKNOWN;
  if (Math.abs(value) < NOISE) return "0";
  if (Math.abs(value) >= 10 ** digits) return grouped(value, 0);
  const short = rounded(value, digits);
  return grouped(short, decimalsOf(short));
}

/** A number with so many decimals, with its sign where it is asked for: `+1.50`. */
export function decimalText(value: Known<number>, decimals: number, signed = false): string {
  if (value === null || value === undefined || !(Math.abs(value) < MOST)) return UNKNOWN;
  const text = grouped(value, decimals);
  if (/^-[0.,]*$/.test(text)) return text.slice(1); // minus nothing is nothing
  return signed && value > 0 && !/^[0.,]*$/.test(text) ? `+${text}` : text;
}

/** A change in percent with its sign: `+1.50 %`. */
export function percentText(value: Known<number>, decimals = 2): string {
  return value === null || value === undefined ? UNKNOWN : `${decimalText(value, decimals, true)} %`;
}

/** A probability with two decimals, without the zero that says nothing: `.54`. */
export function probabilityText(value: Known<number>): string {
  if (value === null || value === undefined) return UNKNOWN;
  return fixed(value, 2).replace(/^0\./, ".");
}

/** A large number, short: `1.2 B`. */
export function compactText(value: Known<number>): string {
  if (value === null || value === undefined) return UNKNOWN;
  for (const [size, letter] of [
    [1e12, "T"],
    [1e9, "B"],
    [1e6, "M"],
    [1e3, "k"],
  ] as const) {
    if (Math.abs(value) >= size * 0.9995) return `${rounded(value / size, 3)} ${letter}`;
  }
  return numberText(value, 3);
}

const RAREST = 1 / 200; // hours overlap: a week has no more that are apart

/** How often something was so: `1 in 40`; `usual` for what was so more often than one in five, `< 1 in 200` at last. */
export function rarityText(share: Known<number>): string {
  if (share === null || share === undefined) return UNKNOWN;
  if (share > 0.2) return "usual";
  return share < RAREST ? "< 1 in 200" : `1 in ${Math.round(1 / share)}`;
}

/** The class of what happened: `up`, `down`, or nothing where it is nothing or unknown. */
export function direction(value: Known<number>): "up" | "down" | "" {
  if (value === null || value === undefined || value === 0) return "";
  return value > 0 ? "up" : "down";
}

/** An ordinal as percentiles are called: `1st`, `12th`. */
export function ordinal(value: Known<number>): string {
  if (value === null || value === undefined) return UNKNOWN;
  const whole = Math.round(value);
  const tens = whole % 100;
  const ending = tens >= 11 && tens <= 13 ? "th" : (["th", "st", "nd", "rd"][whole % 10] ?? "th");
  return `${whole}${ending}`;
}

function exponentOf(value: number): number {
  return Math.floor(Math.log10(Math.abs(value)));
}

/** Digits behind the point of the shortest text that is this number. */
function decimalsOf(value: number): number {
  const [mantissa = "", exponent = "0"] = value.toExponential().split("e");
  return Math.max(0, (mantissa.split(".")[1] ?? "").length - Number(exponent));
}

/** Rounded to so many significant digits. */
function rounded(value: number, digits: number): number {
  const decimals = digits - 1 - exponentOf(value);
  return decimals >= 0 ? Number(fixed(value, decimals)) : Number(value.toPrecision(digits));
}

/** With so many decimals; exactly between two it is the even one, which `toFixed` does not do. */
function fixed(value: number, decimals: number): string {
  const size = Math.abs(value);
  let text = size.toFixed(decimals);
  const exact = size.toFixed(Math.min(100, decimals + 30));
  const tail = exact.slice(exact.length - Math.min(100 - decimals, 30));
  if (/^50*$/.test(tail) && /[13579]$/.test(text.replace(".", ""))) {
    const below = exact.slice(0, exact.length - tail.length);
    text = below.endsWith(".") ? below.slice(0, -1) : below;
  }
  return value < 0 || Object.is(value, -0) ? `-${text}` : text;
}

function grouped(value: number, decimals: number): string {
  const [whole = "", behind] = fixed(value, decimals).split(".");
  const parts = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return behind === undefined ? parts : `${parts}.${behind}`;
}

// How this page writes what it reads off a forecast.

import { decimalText, probabilityText, UNKNOWN } from "../../format/numbers";
import type { Chance } from "./cone";

/** A probability in percent: `31 %`, `< 2.5 %`; small ones with a decimal. */
export function chanceText(chance: Chance | null): string {
  if (chance === null) return UNKNOWN;
  const percent = 100 * chance.probability;
  const text = decimalText(percent, percent < 10 || percent > 95 ? 1 : 0);
  return `${chance.bound === "" ? "" : `${chance.bound} `}${text} %`;
}

/** A figure with its interval where there is one: `.08 [.06, .09]`. */
export function measuredText(found: readonly (number | null)[] | null): string {
  const [figure, low, high] = found ?? [];
  if (figure === null || figure === undefined) return UNKNOWN;
  const ends = [low, high].map((end) => (end === null || end === undefined ? UNKNOWN : shareText(end)));
  return `${shareText(figure)} [${ends.join(", ")}]`;
}

/** A share in [-1, 1] with two decimals, without the zero that says nothing. */
function shareText(value: number): string {
  return value < 0 ? `−${probabilityText(-value)}` : probabilityText(value);
}

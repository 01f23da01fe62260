// The way from 50 to the score by one step a component.

import type { SymbolDetail } from "../../../api/types";

export type Factor = SymbolDetail["factors"][number];
export type Component = Factor["components"][number];

/** One component over all its timeframes; or several of them, that weigh little. */
export interface Step {
  readonly key: string;
  readonly factor: string;
  readonly component: string;
  /** What it adds to the score, points. */
  readonly points: number;
  /** Where the step begins and ends, 0 to 100. */
  readonly from: number;
  readonly to: number;
  /** Each timeframe with what it adds, points. */
  readonly parts: readonly { readonly of: Component; readonly points: number }[];
  /** How many components it stands for. */
  readonly count: number;
}

const NEUTRAL = 50;
const NOTHING = 1e-9;

/** The steps, the heaviest first; beyond `most` they are one. They begin at 50 and end at the score. */
export function waterfall(factors: readonly Factor[], most: number): Step[] {
  const steps = componentsOf(factors).sort((one, other) => Math.abs(other.points) - Math.abs(one.points));
  const named = steps.length <= most + 1 ? steps : steps.slice(0, most);
  const rest = steps.slice(named.length);
  if (rest.length > 0) {
    const points = rest.reduce((sum, step) => sum + step.points, 0);
    named.push({ key: "other", factor: "", component: "", points, parts: [], count: rest.length });
  }
  let at = NEUTRAL;
  return named.map((step) => {
    const from = at;
    at += step.points;
    return { ...step, from, to: at };
  });
}

function componentsOf(factors: readonly Factor[]): Omit<Step, "from" | "to">[] {
  return factors.flatMap((factor) => {
    const scale = scaleOf(factor, factors);
    const byName = new Map<string, { of: Component; points: number }[]>();
    for (const component of factor.components) {
      if (component.value === null) continue;
      const parts = byName.get(component.name) ?? [];
      parts.push({ of: component, points: scale * component.contribution });
      byName.set(component.name, parts);
    }
    return [...byName].map(([name, parts]) => ({
      key: `${factor.name}/${name}`,
      factor: factor.name,
      component: name,
      points: parts.reduce((sum, part) => sum + part.points, 0),
      parts,
      count: 1,
    }));
  });
}

/** Points of the score for one point of the factor: they are the same for all factors but for the weight. */
function scaleOf(factor: Factor, factors: readonly Factor[]): number {
  const own = factor.score === null ? 0 : factor.score - NEUTRAL;
  if (Math.abs(own) > NOTHING) return factor.contribution / own;
  const known = factors.filter((each) => each.score !== null && Math.abs(each.score - NEUTRAL) > NOTHING);
  const [first] = known;
  if (first === undefined || first.score === null || first.effective_weight === 0) return 0;
  return (factor.effective_weight * first.contribution) / ((first.score - NEUTRAL) * first.effective_weight);
}

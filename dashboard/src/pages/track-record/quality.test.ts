import { expect, it } from "vitest";
import { axisEnd, groupsOf, type Group, type Point } from "./quality";

const point = (claimed: number, came: number): Point => ({ series: "large move", claimed, came, n: 100 });
const group = (by: string, name: string, horizon_min: number, readings: number) =>
  ({ by, name, horizon_min, readings }) as Group;

it("ends the axis of probabilities where all points are inside", () => {
  expect(axisEnd([])).toBe(0.2);
  expect(axisEnd([point(0.1, 0.21)])).toBe(0.4);
  expect(axisEnd([point(0.1, 0.2), point(0.95, 0.9)])).toBe(1);
});

it("lists groups of one horizon: hours in order, others the largest first", () => {
  const groups = [
    group("hour", "10", 15, 9),
    group("hour", "9", 15, 1),
    group("hour", "9", 60, 1),
    group("regime", "NEUTRAL", 15, 2),
    group("regime", "VOLATILE", 15, 5),
  ];
  const names = (by: string) => groupsOf(groups, by, 15).map((each) => each.name);
  expect(names("hour")).toEqual(["9", "10"]);
  expect(names("regime")).toEqual(["VOLATILE", "NEUTRAL"]);
  expect(names("label")).toEqual([]);
});

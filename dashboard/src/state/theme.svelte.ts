// Dark or light: the system's choice until the reader makes one.

import { keep, kept } from "./kept";

export type Theme = "system" | "light" | "dark";
const ORDER: readonly Theme[] = ["system", "light", "dark"];

class Choice {
  chosen = $state<Theme>(ORDER.find((theme) => theme === kept("theme")) ?? "system");
  /** Counts up whenever colours change: what is drawn on a canvas is drawn again by it. */
  version = $state(0);

  constructor() {
    this.apply();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => (this.version += 1));
  }

  next(): void {
    this.chosen = ORDER[(ORDER.indexOf(this.chosen) + 1) % ORDER.length] ?? "system";
    keep("theme", this.chosen === "system" ? null : this.chosen);
    this.apply();
  }

  private apply(): void {
    if (this.chosen === "system") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = this.chosen;
    this.version += 1;
  }
}

export const theme = new Choice();

/** The colour of a role as the page has it now, for a canvas: `colour("--up")`. */
export function colour(role: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${role})`;
  probe.hidden = true;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

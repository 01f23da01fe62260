// The screens that were saved in this browser: a name and the query that opens each.

import { keep, kept } from "../../state/kept";

export interface SavedScreen {
  readonly name: string;
  readonly query: string;
}

const MOST = 50;

class Saved {
  screens = $state<readonly SavedScreen[]>(read());

  /** Saves a screen; one of the same name is replaced. */
  save(name: string, query: string): void {
    const others = this.screens.filter((screen) => screen.name !== name);
    this.set([...others, { name, query }].slice(-MOST));
  }

  forget(name: string): void {
    this.set(this.screens.filter((screen) => screen.name !== name));
  }

  private set(screens: readonly SavedScreen[]): void {
    this.screens = screens;
    keep("screens", JSON.stringify(screens));
  }
}

function read(): SavedScreen[] {
  try {
    const found: unknown = JSON.parse(kept("screens") ?? "[]");
    if (!Array.isArray(found)) return [];
    return found.filter((one): one is SavedScreen => typeof one?.name === "string" && typeof one?.query === "string");
  } catch {
    return []; // what another program wrote there is no screen
  }
}

export const saved = new Saved();

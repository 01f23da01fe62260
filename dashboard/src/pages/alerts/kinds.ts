// Kinds of incidents as people call them.

import type { AlertRules } from "../../api/types";
import { words } from "../../format/words";

export type Kind = AlertRules["kinds"][number];

/** The title of a built-in kind; of a rule its own name. */
export function kindTitle(kinds: readonly Kind[], name: string): string {
  const found = kinds.find((kind) => kind.kind === name);
  return found?.title ?? (found ? name : words(name));
}

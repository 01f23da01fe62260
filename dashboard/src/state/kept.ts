// What a reader chose, kept in this browser; where the browser keeps nothing, it lasts as long as the page.

export function kept(key: string): string | null {
  try {
    return localStorage.getItem(`virtuoso.${key}`);
  } catch {
    return null;
  }
}

/** `null` forgets it. */
export function keep(key: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(`virtuoso.${key}`);
    else localStorage.setItem(`virtuoso.${key}`, value);
  } catch {
    // private windows may refuse; the choice holds until the page is left
  }
}

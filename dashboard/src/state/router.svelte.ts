// The address that is shown, and how another one is gone to.

import { routeOf } from "./routes";

class Router {
  path = $state(location.pathname);
  query = $state(location.search);
  hash = $state(location.hash);
  readonly route = $derived(routeOf(this.path));

  constructor() {
    addEventListener("popstate", () => this.read());
    document.addEventListener("click", (event) => this.clicked(event));
  }

  /** Goes to an address of the page; `replace` where going back should not come here. */
  go(address: string, replace = false): void {
    const before = this.path;
    history[replace ? "replaceState" : "pushState"](null, "", address);
    this.read();
    if (this.path !== before) scrollTo(0, 0);
  }

  private read(): void {
    this.path = location.pathname;
    this.query = location.search;
    this.hash = location.hash;
  }

  // A plain click on a link to another address of this page needs no loading.
  private clicked(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (link === null || link.target !== "" || link.hasAttribute("download") || link.origin !== location.origin) return;
    if (routeOf(link.pathname).page === "nowhere") return;
    const here = link.href === location.href;
    if (here && link.hash !== "") return; // the browser shows the part that it names once more
    event.preventDefault();
    if (!here) this.go(link.pathname + link.search + link.hash);
  }
}

export const router = new Router();

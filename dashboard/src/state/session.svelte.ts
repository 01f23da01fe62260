// Who is logged in, where a token is required. Nothing is asked for before that is known, and the form is shown to strangers.

import { get, send, whenRefused } from "../api/client";
import type { SessionDocument } from "../api/types";
import { keep } from "./kept";
import { forgetLast } from "./last";
import { router } from "./router.svelte";
import { addressAfter } from "./routes";

const LEFT = "left";

class Session {
  /** Whether data may be asked for: not known yet, so it is, or it takes a log-in. An answer that does not come refuses nothing. */
  state = $state<"unknown" | "open" | "refused">("unknown");
  /** Whether a token is required: then there is something to log out of. */
  required = $state(false);
  role = $state<SessionDocument["role"]>(null);
  /** Whether changes may be asked for: acknowledge, silence, send again. */
  readonly mayOperate = $derived(this.role !== "read");

  constructor() {
    whenRefused(() => void this.ask());
    // A log-out holds for every window of this browser.
    addEventListener("storage", (event) => {
      if (event.key === `virtuoso.${LEFT}`) location.assign("/login");
    });
  }

  /** Asks who is logged in, and shows the form to whom Virtuoso refuses its data. */
  async ask(): Promise<void> {
    try {
      this.take(await get<SessionDocument>("/api/session"));
    } catch {
      this.state = "open";
    }
  }

  /** Logs in and goes where the form was shown instead of. Throws what the API says against it. */
  async logIn(token: string): Promise<void> {
    const said = await send<SessionDocument>("POST", "/api/session", { token });
    if (said) this.take(said);
    const address = addressAfter(router.query);
    if (address === "/docs") location.assign(address);
    else router.go(address, true);
  }

  /** Ends the session, here and in the browser's other windows; nothing that was shown stays in it. */
  async logOut(): Promise<void> {
    await send("DELETE", "/api/session");
    await forgetLast();
    keep(LEFT, String(Date.now()));
    location.assign("/login");
  }

  private take(said: SessionDocument): void {
    this.required = said.required;
    this.role = said.role;
    this.state = said.role === null ? "refused" : "open";
  }
}

export const session = new Session();

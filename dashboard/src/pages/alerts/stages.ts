// The stages that an incident goes through before anybody is notified, and what each asks.

export const STAGES: Readonly<Record<string, string>> = {
  inhibit: "Is it only a consequence of a lost feed or of maintenance?",
  silence: "Did somebody silence it?",
  dedup: "Was the same told already, or acknowledged?",
  cooldown: "Was one of the same labels told of late?",
  budget: "Is it worth an interruption now, or does it wait for the digest?",
  group: "Does it go together with others into one message?",
  route: "Which channels take it?",
};

const WAITING: Readonly<Record<string, string>> = {
  inhibit: "withheld: a consequence of something else",
  silence: "silenced",
  cooldown: "withheld: such was told of late",
  budget: "waits for the digest",
  group: "waits to go with others",
};

/** Why nobody was notified yet, by the stage that withholds it. */
export function waitingText(stage: string): string {
  return WAITING[stage] ?? `withheld: ${stage}`;
}

"""Inhibit: while an exchange as a whole is out, what happens to its symbols follows from that, and waits."""

from collections.abc import Sequence

from virtuoso.alerts.stages.stage_state import Split, StageState, Withheld, is_ending
from virtuoso.model.alerts.incident import Incident


def inhibit(events: Sequence[Incident], state: StageState, now_ms: int) -> Split:  # noqa: ARG001 - one signature
    """Withhold those with a symbol of an exchange that is out. What is over when it is back is never notified."""
    out = {exchange: next(iter(sources.values())) for exchange, sources in state.outages.items() if sources}
    if not out:
        return Split(events, ())
    passed, withheld = [], []
    for incident in events:
        exchange = incident.labels.get("exchange", "")
        if incident.symbol is None or exchange not in out or is_ending(incident):
            passed.append(incident)
        else:
            why = f"inhibited: {out[exchange].kind} {out[exchange].id} on {exchange}"
            withheld.append(Withheld(incident, why, incident.resolved_ms is None))
    return Split(passed, withheld)

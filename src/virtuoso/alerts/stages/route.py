"""Route: decides which channels take a notice."""

from collections.abc import Sequence

from virtuoso.alerts.labels import is_system
from virtuoso.alerts.stages.stage_state import Split, StageState, Withheld
from virtuoso.model.alerts.incident import Incident


def route(events: Sequence[Incident], state: StageState, now_ms: int) -> Split:  # noqa: ARG001 - one signature
    """Pass the incidents of one notice, the most severe first, if any channel takes that one; else withhold all."""
    if channels_of(events, state):
        return Split(events, ())
    return Split((), [Withheld(each, f"unrouted: no channel takes {each.severity}", for_now=False) for each in events])


def channels_of(events: Sequence[Incident], state: StageState) -> tuple[str, ...]:
    """Name the channels that take a notice, in the order of the routes; its incidents have one kind."""
    rank = events[0].severity.rank
    system, only = is_system(events[0]), state.policies(events[0].kind).channels
    return tuple(
        route.channel
        for route in state.routes
        if (
            route.channel in only
            if only is not None
            else rank >= route.least.rank and (route.system if system else route.market)
        )
    )

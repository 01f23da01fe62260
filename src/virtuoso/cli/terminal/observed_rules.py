"""What `rules check --on` tells of each rule, in lines and as a document."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from virtuoso.alerts.rules.observed import Never, Observation, Seen
from virtuoso.model.text.duration import written
from virtuoso.model.text.numbers import counted, number_text
from virtuoso.playback.rule_diff import unrecorded

_MOST_TEXTS = 10


@dataclass(frozen=True, slots=True)
class RulesOnRecording:
    """Rules as a recording of `span_s` seconds and so many symbols showed them, with the alerts of each."""

    observations: Sequence[Observation]
    alerts: Mapping[str, int]
    span_s: float
    symbols: int

    def lines(self) -> Iterator[str]:
        """One line a rule, and below those that fired nothing, why."""
        yield f"in {written(round(self.span_s))} of {counted(self.symbols, 'symbol')}:"
        for found in self.observations:
            yield from self._of_rule(found)

    def _of_rule(self, found: Observation) -> Iterator[str]:
        rule, alerts = found.rule, self.alerts.get(found.rule.name, 0)
        missing, policy = unrecorded(rule), rule.policy
        unknown = f", unknown {counted(found.unknown, 'time')}" if found.unknown else ""
        if found.held:
            longest = f", up to {written(found.longest_ms, 'ms')} at a time" if found.longest_ms else ""
            yield (
                f"{rule.name}: true {found.held} of {counted(found.judged, 'time')}{unknown}{longest};"
                f" {counted(alerts, 'alert')}"
            )
            if not alerts and not policy.enabled:
                yield "  it is disabled"
            elif not alerts and found.longest_ms < policy.hold_ms:
                yield f"  warning: it never held for {written(policy.hold_ms, 'ms')}, so it would fire nothing here"
            return
        if not found.judged:
            yield f"{rule.name}: warning: not judged, for the recording holds no whole cycle"
            return
        yield f"{rule.name}: warning: never true of {found.judged} times{unknown}"
        if missing:
            yield f"  a recording does not hold {', '.join(missing)}"
        for part in found.never:
            yield f"  {_said(part)}"

    def document(self) -> list[dict[str, Any]]:
        """The same for programs; times in seconds."""
        return [
            {
                "rule": found.rule.name,
                "judged": found.judged,
                "true": found.held,
                "unknown": found.unknown,
                "longest": found.longest_ms / 1_000,
                "alerts": self.alerts.get(found.rule.name, 0),
                "not_recorded": list(unrecorded(found.rule)),
                "never": [
                    {
                        "part": part.text, "wanted": part.wanted, "apart": part.apart,
                        "was": [
                            {"value": side.text, "low": side.low, "high": side.high, "texts": sorted(side.texts)}
                            for side in part.sides
                        ],
                    }
                    for part in found.never
                ],
            }
            for found in self.observations
        ]  # fmt: skip


def _said(part: Never) -> str:
    """As in `score > 75: never; score was 31.2 … 68.9`."""
    if part.apart:
        return f"{part.text}: its parts were {'true' if part.wanted else 'false'} at times, but never all at once"
    ways = "; ".join(map(_was, part.sides))
    return f"{part.text}: {'never' if part.wanted else 'never false'}; {ways}"


def _was(side: Seen) -> str:
    if side.low is not None:
        span = number_text(side.low) if side.low == side.high else f"{number_text(side.low)} … {number_text(side.high)}"
        return f"{side.text} was {span}"
    if side.texts:
        listed = [f"'{text}'" for text in sorted(side.texts)]
        more = f" and {len(listed) - _MOST_TEXTS} more" if len(listed) > _MOST_TEXTS else ""
        return f"{side.text} was {', '.join(listed[:_MOST_TEXTS])}{more}"
    return f"{side.text} was unknown"

"""What was said live beside what final data says: each verdict, and only that."""

from collections.abc import Sequence

from msgspec.structs import replace

from virtuoso.model.signal import Statement
from virtuoso.playback.comparison import LATE_MS, Aspect, Comparison, Judged, Verdict

CLOSE_MS = 1_795_000_020_000
MINUTE_MS = 60_000
SAID = Statement("BTCUSDT", 61.5, "balanced", "HOLD", 0.62, "a1", "f1", (0.2, 0.26, 0.28), "in")


def compared(
    live: Sequence[tuple[int, Statement]], final: Sequence[Statement], more: bool = True
) -> tuple[Comparison, list[Judged]]:
    """Judge one close; `more` lets another one follow, so that the recording does not end here."""
    found: list[Judged] = []
    comparison = Comparison(found.append)
    for after_ms, statement in live:
        comparison.said(CLOSE_MS + after_ms, CLOSE_MS, [statement])
    for statement in final:
        comparison.say(CLOSE_MS, [statement])
    if more:
        comparison.say(CLOSE_MS + MINUTE_MS, [replace(SAID, symbol="ETHUSDT")])
        comparison.said(CLOSE_MS + MINUTE_MS, CLOSE_MS + MINUTE_MS, [replace(SAID, symbol="ETHUSDT")])
    comparison.finish()
    return comparison, [each for each in found if each.symbol == "BTCUSDT"]


def verdicts(found: Sequence[Judged]) -> dict[Aspect, Verdict]:
    return {each.aspect: each.verdict for each in found}


def test_what_is_said_again_is_the_same_whichever_comes_first() -> None:
    comparison, found = compared([(900, SAID)], [SAID])
    assert not found
    assert [comparison.counts[aspect, Verdict.SAME] for aspect in Aspect] == [2, 2, 2]
    assert comparison.closes == 2


def test_each_aspect_is_judged_by_itself() -> None:
    assert verdicts(compared([(900, SAID)], [replace(SAID, score=61.6)])[1]) == {Aspect.READING: Verdict.CHANGED}
    assert verdicts(compared([(900, SAID)], [replace(SAID, band=None)])[1]) == {Aspect.READING: Verdict.CHANGED}
    assert verdicts(compared([(900, SAID)], [replace(SAID, forecast="f2")])[1]) == {Aspect.FORECAST: Verdict.CHANGED}
    assert verdicts(compared([(900, SAID)], [replace(SAID, confidence=0.7)])[1]) == {Aspect.SIGNAL: Verdict.CHANGED}


def test_a_side_that_final_data_does_not_give_has_vanished() -> None:
    bought = replace(SAID, label="BUY")
    assert verdicts(compared([(900, bought)], [SAID])[1]) == {Aspect.SIGNAL: Verdict.VANISHED}
    assert verdicts(compared([(900, SAID)], [bought])[1]) == {Aspect.SIGNAL: Verdict.CHANGED}


def test_what_final_data_does_not_say_has_vanished_and_the_other_way_round_is_added() -> None:
    assert verdicts(compared([(900, SAID)], [])[1]) == dict.fromkeys(Aspect, Verdict.VANISHED)
    assert verdicts(compared([], [SAID])[1]) == dict.fromkeys(Aspect, Verdict.ADDED)
    unknown = replace(SAID, score=None, band=None)
    assert verdicts(compared([(900, SAID)], [unknown])[1]) == {Aspect.READING: Verdict.VANISHED}
    assert verdicts(compared([(900, unknown)], [SAID])[1]) == {Aspect.READING: Verdict.ADDED}


def test_the_same_said_late_is_late_and_where_the_recording_ends_nothing_is_judged() -> None:
    assert verdicts(compared([(LATE_MS + 1, SAID)], [SAID])[1]) == dict.fromkeys(Aspect, Verdict.LATE)
    assert not compared([(LATE_MS, SAID)], [SAID])[1]
    assert verdicts(compared([(900, SAID)], [], more=False)[1]) == dict.fromkeys(Aspect, Verdict.UNJUDGED)


def test_only_the_last_close_is_unjudged_where_the_recording_is_over_before_anything_is_said_of_it_again() -> None:
    found: list[Judged] = []
    comparison = Comparison(found.append)
    for close_ms in (CLOSE_MS, CLOSE_MS + MINUTE_MS):
        comparison.said(close_ms + 900, close_ms, [SAID])
    comparison.finish()
    assert {(each.close_ms, each.verdict) for each in found} == {
        (CLOSE_MS, Verdict.VANISHED),
        (CLOSE_MS + MINUTE_MS, Verdict.UNJUDGED),
    }


def test_what_was_said_before_the_first_frame_is_not_judged_where_it_differs() -> None:
    found: list[Judged] = []
    comparison = Comparison(found.append)
    comparison.said(CLOSE_MS + 900, CLOSE_MS, [replace(SAID, label=None, confidence=None, band=None)], early=True)
    comparison.say(CLOSE_MS, [SAID])
    comparison.finish()
    assert verdicts(found) == {Aspect.SIGNAL: Verdict.UNJUDGED, Aspect.READING: Verdict.UNJUDGED}
    assert comparison.counts[Aspect.FORECAST, Verdict.SAME] == 1


def test_of_what_was_said_twice_the_worse_counts_once() -> None:
    comparison, found = compared([(900, replace(SAID, score=50.0)), (9_000, SAID)], [SAID])
    assert verdicts(found)[Aspect.READING] is Verdict.CHANGED
    assert sum(comparison.counts[Aspect.READING, verdict] for verdict in Verdict) == 2

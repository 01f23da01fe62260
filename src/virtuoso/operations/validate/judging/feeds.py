"""Feeds: how long each was not live, what was refused, asked for anew or lost, and what the universe became."""

from functools import partial
from itertools import pairwise
from typing import Final

from virtuoso.model.text.numbers import counted, number_text
from virtuoso.operations.validate.judging.states import (
    State,
    feed,
    lasted,
    risen,
    risen_by_name,
    rises,
    rises_by_name,
    states,
    topics,
)
from virtuoso.operations.validate.judging.words import Judge, naming, seconds
from virtuoso.operations.validate.report import Section, Table
from virtuoso.operations.validate.samples import Samples

_NOT_LIVE_S: Final = 15.0
"""For so long a feed may be found out and be back."""
_SHOWN: Final = 20
_REFUSED: Final = 0.01


def feeds(samples: Samples) -> Section:
    """Judge the feeds of all watched symbols."""
    judge, found = Judge("Feeds"), states(samples)
    if not found:
        judge.unknown("feeds are live", "no status document came")
        return Section(title="Feeds", checks=tuple(judge.checks))
    names = topics(found)
    away = {topic: lasted(found, partial(_not_live, topic)) for topic in names}
    worst = {topic: length for topic, length in away.items() if length > _NOT_LIVE_S}
    judge.holds(
        "no feed is away for longer than 15 s", not worst if names else None,
        naming(f"{topic} was {_qualities(found, topic)} for {seconds(length)}" for topic, length in _longest(worst))
        or f"{counted(len(names), 'topic')}, at most {seconds(max(away.values(), default=0.0))} not live",
        "see the stream's lines in the log, and the exchange's status page",
    )  # fmt: skip
    short = {topic: length for topic, length in away.items() if 0 < length <= _NOT_LIVE_S}
    if short:
        judge.observed(
            "feeds are live throughout",
            f"{counted(len(short), 'topic')} not live for a while: "
            + naming(f"{t} {_qualities(found, t)} for {seconds(n)}" for t, n in _longest(short)),
        )  # fmt: skip
    lost = [state for state in found if any(not feed(state, topic, "connected") for topic in state.of("feeds") or {})]
    if lost:
        judge.observed("connections hold", f"topics without a connection in {len(lost)} of {len(found)} samples")
    _mute(judge, found, names)
    _sequences(judge, found, names)
    _refusals(judge, found)
    _unknown(judge, found)
    _delays(judge, found, names)
    rows = tuple(
        (topic, seconds(length), _qualities(found, topic), number_text(_rose(found, topic, "messages")),
         number_text(_rose(found, topic, "rejected")), number_text(_rose(found, topic, "resyncs")))
        for topic, length in sorted(away.items(), key=lambda item: (-item[1], item[0]))[:_SHOWN]
    )  # fmt: skip
    columns = ("topic", "not live", "what it was then", "frames", "refused", "asked anew")
    note = None if len(names) <= _SHOWN else f"the {_SHOWN} that were away longest, of {len(names)}"
    return Section(
        title="Feeds", tables=(Table(title="Feeds", columns=columns, rows=rows, note=note),),
        checks=tuple(judge.checks),
    )  # fmt: skip


def _mute(judge: Judge, found: list[State], names: list[str]) -> None:
    mute = [topic for topic in names if any(feed(state, topic, "mute") for state in found)]
    judge.holds(
        "no topic is mute", not mute, f"mute although others prove that they should speak: {naming(mute)}"
        if mute else "none was", "it is subscribed anew and then polled; see whether the exchange renamed the topic",
    )  # fmt: skip


def _sequences(judge: Judge, found: list[State], names: list[str]) -> None:
    again = {topic: rose for topic in names if (rose := _rose(found, topic, "resyncs"))}
    if again:
        judge.observed(
            "no book or ticker had to be asked for anew",
            naming(f"{topic} {counted(round(rose), 'time')}{_why(found, topic)}" for topic, rose in again.items()),
            "sequences break on a lossy network; often at one symbol is the exchange's doing",
        )  # fmt: skip


def _why(found: list[State], topic: str) -> str:
    reasons = _refused(found, topic)
    return f" ({naming(reasons)})" if reasons else ""


def _refused(found: list[State], topic: str) -> dict[str, float]:
    watching = [state for state in found if topic in (state.of("feeds") or {})]
    return rises_by_name([feed(state, topic, "refusals") or {} for state in watching])


def _refusals(judge: Judge, found: list[State]) -> None:
    by_topic = {topic: _refused(found, topic) for topic in topics(found)}
    bad = {topic: reasons for topic, reasons in by_topic.items() if reasons}
    count = sum(sum(reasons.values()) for reasons in bad.values())
    frames = sum(_rose(found, topic, "messages") or 0 for topic in by_topic)
    said = naming(
        f"{topic}: {naming(f'{why} × {number_text(n)}' for why, n in reasons.items())}"
        for topic, reasons in bad.items()
    )
    if count > _REFUSED * max(1.0, frames):
        judge.holds("frames can be believed", good=False, evidence=f"{number_text(count)} refused: {said}",
                    mend="a release of the exchange's API may be out, or something between garbles frames")  # fmt: skip
    elif count:
        judge.observed("frames can be believed", f"{number_text(count)} of {number_text(frames)} refused: {said}")
    else:
        judge.holds("frames can be believed", good=True, evidence=f"none of {number_text(frames)} was refused")


def _unknown(judge: Judge, found: list[State]) -> None:
    if rose := risen(found, "exchange", "unknown_frames"):
        judge.observed("every frame is of a topic that was asked for",
                       f"{counted(round(rose), 'frame')} of unknown topics came")  # fmt: skip
    before = found[0].of("exchange", "missing_values") or {}
    missing = {
        name: count for name, count in risen_by_name(found, "exchange", "missing_values").items() if name not in before
    }
    if missing:
        judge.observed(
            "numbers that were told go on being told",
            "left empty although they were told before: "
            + naming(f"{name} × {number_text(n)}" for name, n in missing.items()),
            "what is empty is unknown here, and never zero; see the exchange's release notes",
        )  # fmt: skip
    doubted = risen_by_name(found, "exchange", "doubted_values")
    if doubted:
        judge.observed("numbers can be believed", naming(f"{name} × {number_text(n)}" for name, n in doubted.items()))


def _delays(judge: Judge, found: list[State], names: list[str]) -> None:
    late = [topic for topic in names if any(feed(state, topic, "data_quality") == "delayed" for state in found)]
    worst = max(
        (lag for state in found for topic in names if (lag := feed(state, topic, "lag_ms")) is not None), default=None
    )
    if worst is None:
        judge.unknown("frames come in time", "no feed tells how long its frames are under way")
        return
    judge.holds(
        "frames come in time", not late,
        f"delayed: {naming(late)}; " * bool(late) + f"the longest was under way for {number_text(worst)} ms",
        "network, or the exchange's clock: see the section on the exchange",
    )  # fmt: skip


def universe(samples: Samples) -> Section:
    """What is watched, and who came and went."""
    judge, found = Judge("Universe"), states(samples)
    told = samples.watched
    if not told:
        judge.unknown("something is watched", "no list of symbols came")
        return Section(title="Universe", checks=tuple(judge.checks))
    judge.holds("something is watched", bool(told[-1]), f"{counted(len(told[-1]), 'symbol')} at the end",
                "see `universe.empty` of the status, and what the configuration leaves out")  # fmt: skip
    first, ever = set(told[0]), set().union(*told)
    gone = {name for before, now in pairwise(told) for name in set(before) - set(now)}
    if ever - first:
        judge.observed("the universe stays", f"joined: {naming(sorted(ever - first))}")
    if gone:
        judge.observed("no symbol leaves", f"left: {naming(sorted(gone))}", "a delisting or a new name; see the log")
    empty = next((str(why) for state in found if (why := state.of("universe", "empty"))), None)
    if empty is not None:
        judge.holds("the universe is not empty", good=False, evidence=empty)
    return Section(title="Universe", checks=tuple(judge.checks))


def _not_live(topic: str, state: State) -> bool:
    return feed(state, topic, "data_quality") not in {"live", None}


def _qualities(found: list[State], topic: str) -> str:
    seen = {str(feed(state, topic, "data_quality")) for state in found if _not_live(topic, state)}
    return ", ".join(sorted(seen)) or "live"


def _rose(found: list[State], topic: str, field: str) -> float | None:
    return rises([value for state in found if (value := feed(state, topic, field)) is not None])


def _longest(lengths: dict[str, float]) -> list[tuple[str, float]]:
    return sorted(lengths.items(), key=lambda item: -item[1])

"""What is called live, against the exchange's own clock and prices, asked at the same moments."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final

from virtuoso.model.clock import iso
from virtuoso.model.text.numbers import counted, number_text
from virtuoso.operations.validate.judging.states import states, times
from virtuoso.operations.validate.judging.words import Judge, ms, naming, percent, rank, seconds
from virtuoso.operations.validate.report import Section, Table
from virtuoso.operations.validate.samples import Sample, Samples, moment, symbol_of

_TIME: Final = "/v5/market/time"
_NEAR_MS: Final = 20_000.0
"""Prices that were asked for so far apart at most are compared."""
_APART: Final = 0.005
_CLOCK_MS: Final = 1_000.0
_SLOW_MS: Final = 2_000.0
_STILL: Final = 3


def exchange(samples: Samples) -> Section:
    """Hold the deployment against its exchange."""
    judge = Judge("Live against the exchange")
    tables: list[Table] = []
    if not samples.exchange:
        why = samples.run.exchange or "the exchange was not asked"
        judge.unknown("what is called live is the exchange's price", f"nobody can tell: {why}")
    else:
        _answers(judge, samples)
        _clock(judge, samples)
        tables.append(_prices(judge, samples))
    _states(judge, samples)
    return Section(title="Live against the exchange", tables=tuple(tables), checks=tuple(judge.checks))


def _answers(judge: Judge, samples: Samples) -> None:
    """Whether the exchange itself answers: refused, busy, banned, in maintenance, slow."""
    bad = [said for one in samples.exchange if (said := _refusal(one)) is not None]
    judge.holds(
        "the exchange answers", not bad,
        f"{len(bad)} of {counted(len(samples.exchange), 'request')} of the validation failed: "
        + naming(f"{said} × {bad.count(said)}" for said in dict.fromkeys(bad)) if bad
        else f"{counted(len(samples.exchange), 'request')} of the validation, every one answered",
        "see the exchange's status page, and what else asks from this address",
    )  # fmt: skip
    took = times(samples.exchange)
    slowest = max(took, default=None)
    judge.holds(
        "the exchange answers in time", None if slowest is None else slowest <= _SLOW_MS,
        f"median {ms(rank(took, 0.5))}, slowest {ms(slowest)}", "network, or the exchange is slow",
    )  # fmt: skip


def _refusal(one: Sample) -> str | None:
    if one.status is None:
        return one.error
    if one.status == 403:
        return "403: this address is banned for too many requests, or its region is refused"
    if one.status != 200:
        return f"status {one.status}" + (": maintenance" if one.status == 503 else "")
    code = one.body.get("retCode") if isinstance(one.body, dict) else None
    return None if code == 0 else f"retCode {code}: {one.body.get('retMsg') if isinstance(one.body, dict) else ''}"


def _clock(judge: Judge, samples: Samples) -> None:
    """Whether the exchange's clock goes on, and is where the deployment believes it."""
    told = [
        (at, float(said), one.took_ms or 0.0)
        for one in samples.exchange
        if one.path == _TIME and _refusal(one) is None and (at := moment(one.at)) is not None
        and isinstance(said := one.body.get("time"), int | float)
    ]  # fmt: skip
    if len(told) < 2:
        judge.unknown("the exchange's clock goes on", "its time came fewer than twice")
        return
    offsets = [said - (at - took / 2) for at, said, took in told]
    slow = [_stands(before, now) for before, now in pairwise(told)]
    still = [told[place][0] for place, (one, other) in enumerate(pairwise(slow)) if one and other]
    steps = [
        now - before for (before, now), (then, new) in zip(pairwise(offsets), pairwise(told), strict=True)
        if abs(now - before) > _CLOCK_MS + (then[2] + new[2]) / 2
    ]  # fmt: skip
    said = f"{len(told)} times in {seconds((told[-1][0] - told[0][0]) / 1000)}"
    judge.holds(
        "the exchange's clock goes on", not still,
        f"{said}: it stood still from {iso(still[0])} on" if still else f"{said}, always on",
        "times of events cannot be judged meanwhile: see the exchange's status page",
    )  # fmt: skip
    judge.holds(
        "the exchange's clock does not jump", not steps or bool(still),
        "it jumped by " + naming(f"{number_text(step, 4)} ms" for step in steps) if steps else "no jump of a second",
        "the exchange's clock was set, or this machine's",
    )  # fmt: skip
    believed = [
        (state.at_ms, value) for state in states(samples)
        if (value := state.number("exchange", "clock_offset_ms")) is not None
    ]  # fmt: skip
    if not believed:
        judge.unknown("the deployment knows the exchange's clock", "it states no offset")
        return
    own = rank(offsets, 0.5) or 0.0
    apart = (rank([value for _, value in believed], 0.5) or 0.0) - own
    judge.holds(
        "the deployment knows the exchange's clock", abs(apart) <= _CLOCK_MS,
        f"its offset differs by {number_text(apart, 3)} ms from what was measured here (median of each)",
        "its ages are wrong by that: see the time service of both machines",
    )  # fmt: skip


def _stands(before: tuple[float, float, float], now: tuple[float, float, float]) -> bool:
    """Whether its clock told hardly another time, where ours and the way of the answer say that time went by."""
    return now[1] - before[1] < 0.5 * (now[0] - before[0] - now[2])


def _prices(judge: Judge, samples: Samples) -> Table:
    """Compare prices asked for one right after the other."""
    rows, apart, frozen = [], [], []
    for symbol in dict.fromkeys(symbol_of(one) for one in samples.exchange if one.path != _TIME):
        pairs = list(_pairs(samples, symbol))
        frozen += [
            f"{name} of {symbol} stood for {seconds(still)} while the exchange's moved"
            for name in ("price", "mark_price") if (still := _stood_still(pairs, name)) is not None
        ]  # fmt: skip
        gaps = [abs(ours["price"] / theirs["price"] - 1) for _, ours, theirs in pairs if ours["price"]]
        wrong = sum(gap > _APART for gap in gaps)
        unknown = sum(not ours["price"] for _, ours, _ in pairs)
        if pairs and wrong > max(1, len(pairs) // 20):
            apart.append(f"{symbol} in {wrong} of {len(pairs)} samples, by {percent(100 * max(gaps))} at most")
        rows.append((
            symbol, str(len(pairs)), str(unknown), percent(None if not gaps else 100 * (rank(gaps, 0.5) or 0.0)),
            percent(100 * max(gaps) if gaps else None), str(len({theirs["price"] for _, _, theirs in pairs})),
            str(len({ours["price"] for _, ours, _ in pairs})),
        ))  # fmt: skip
    known = any(row[1] != "0" for row in rows)
    judge.holds(
        "what is called live is the exchange's price", not apart if known else None,
        f"further than {percent(100 * _APART)} apart: {naming(apart)}" if apart
        else "prices agree with the exchange's own" if known else "no price of the exchange came beside one of its own",
        "what is served is not what the exchange says now: look for a cache that re-stamps",
    )  # fmt: skip
    judge.holds(
        "prices move when the exchange's move", not frozen if known else None,
        naming(frozen) or "each moved with the exchange's" if known else "no price of the exchange came",
        "the ticker tells nothing new: see its topic",
    )  # fmt: skip
    columns = ("symbol", "compared", "unknown here", "median gap", "greatest gap", "prices there", "prices here")
    return Table(title="Prices of both, asked one after the other", columns=columns, rows=tuple(rows))


def _pairs(samples: Samples, symbol: str) -> Iterator[tuple[float, dict[str, Any], dict[str, float]]]:
    """Each price of the exchange with the one served just before it, where it is called live."""
    ours = [(at, one.body) for one in samples.prices if isinstance(one.body, dict) and (at := moment(one.at))]
    place = 0
    for one in samples.exchange:
        if one.path == _TIME or symbol_of(one) != symbol or (theirs := _ticker(one)) is None:
            continue
        at = moment(one.at) or 0.0
        while place + 1 < len(ours) and ours[place + 1][0] <= at:
            place += 1
        item = ours[place][1].get(symbol) if ours and 0 <= at - ours[place][0] <= _NEAR_MS else None
        if item and item.get("data_quality") == "live":
            yield at, item, theirs


def _ticker(one: Sample) -> dict[str, float] | None:
    if _refusal(one) is not None:
        return None
    try:
        (found,) = one.body["result"]["list"]
        return {"price": float(found["lastPrice"]), "mark_price": float(found["markPrice"])}
    except (KeyError, TypeError, ValueError):
        return None


def _stood_still(pairs: list[tuple[float, dict[str, Any], dict[str, float]]], name: str) -> float | None:
    """For how many seconds a price served was the same while the exchange told three others; `None` = never."""
    longest, since, seen = 0.0, 0.0, set[float]()
    last: object = None
    told: object = None
    for at, ours, theirs in pairs:
        if ours.get("published") is not None and ours.get("published") == told:
            continue  # the same document again: it is published with each pass
        told = ours.get("published")
        if ours.get(name) != last or ours.get(name) is None:
            last, since, seen = ours.get(name), at, set()
        seen.add(theirs[name])
        if len(seen) > _STILL and last is not None:
            longest = max(longest, (at - since) / 1000)
    return longest or None


def _states(judge: Judge, samples: Samples) -> None:
    """What the deployment itself says of the exchange."""
    found = states(samples)
    maintenance = next((str(why) for state in found if (why := state.of("exchange", "maintenance"))), None)
    banned = next((str(until) for state in found if (until := state.of("rate_budget", "banned_until"))), None)
    if maintenance is not None:
        judge.holds("the exchange serves", good=False, evidence=f"the deployment says maintenance: {maintenance}")
    if banned is not None:
        judge.holds("the exchange takes requests", good=False, evidence=f"the deployment is banned until {banned}")
    sources = {str(state.of("data_source")) for state in found}
    announced = {one.source or "live" for one in samples.exchange if one.status == 200}
    if announced and found:
        judge.holds(
            "the origin that it states is what the exchange announces", sources == announced,
            f"it says {naming(sorted(sources))}, the exchange says {naming(sorted(announced))}",
            "nothing that is replayed or made up may be called live",
        )  # fmt: skip

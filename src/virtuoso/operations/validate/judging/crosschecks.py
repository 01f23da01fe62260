"""Numbers held against each other: those of this report, and those that somebody states, by the same rules."""

from typing import Final

from virtuoso.model.text.numbers import counted, number_text
from virtuoso.operations.validate.judging.figures import MONITOR, OURS
from virtuoso.operations.validate.judging.routes import asked, good
from virtuoso.operations.validate.judging.words import Judge, naming, percent, seconds
from virtuoso.operations.validate.report import Figures, Section, Table
from virtuoso.operations.validate.samples import OVERVIEW, Samples

_ROUND_TRIP_MS: Final = 20.0
"""A name service, TCP, TLS and an answer over HTTP from a public exchange take longer than this, wherever one stands
outside its data centre; what is quicker came out of a cache. Where the exchange was asked, its own best counts."""
_OFF: Final = 0.05
_MINUTE_S: Final = 60.0
_NEAR_S: Final = 10.0
"""From the beginning of a window to the first status, and from the last one to its end."""


def crosschecks(samples: Samples, ours: Figures, theirs: Figures | None) -> Section:
    """Check the figures of this report, and those of a statement where there is one."""
    judge = Judge("Cross-checks")
    shown = []
    for figures in (ours, theirs):
        if figures is not None and not (figures is ours and theirs is not None and not samples.status):
            _window(judge, figures)
            _cycles(judge, figures)
            _due(judge, figures)
            _interval(judge, figures)
            _availability(judge, figures, samples)
            _processes(judge, figures, samples)
            _fetches(judge, figures)
            _symbols(judge, figures, samples)
            shown.append(figures)
    return Section(
        title="Cross-checks",
        text=("The same rules hold for the numbers of this report and for whatever is stated of the same time.",),
        tables=tuple(map(_shown, shown)), checks=tuple(judge.checks),
    )  # fmt: skip


def _named(figures: Figures, test: str) -> str:
    return test if figures.source == OURS else f"{figures.source}: {test}"


def _window(judge: Judge, figures: Figures) -> None:
    test = _named(figures, "the window is as long as stated")
    if figures.window_s is None or figures.elapsed_s is None:
        judge.unknown(test, "no length, or no beginning and end are stated")
        return
    judge.holds(
        test, abs(figures.window_s - figures.elapsed_s) <= max(_NEAR_S, _OFF * figures.window_s),
        f"{seconds(figures.window_s)} are stated; from its beginning to its end are {seconds(figures.elapsed_s)}",
        "one of the two times, or the length, is wrong",
    )  # fmt: skip


def _cycles(judge: Judge, figures: Figures) -> None:
    """Cycles times their interval must fill the window."""
    test = _named(figures, "cycles × interval fill the window")
    window = figures.elapsed_s if figures.source == OURS else figures.window_s
    if figures.cycles is None or figures.interval_s is None or window is None:
        judge.unknown(test, "cycles, interval or window are not known")
        return
    product = figures.cycles * figures.interval_s
    expected = window / figures.interval_s
    slack = 2 * figures.interval_s + _OFF * window
    judge.holds(
        test, abs(product - window) <= slack,
        f"{counted(figures.cycles, 'cycle')} × {number_text(figures.interval_s, 4)} s = {seconds(product)}, the window "
        f"is {seconds(window)}: {number_text(expected, 3)} cycles were due",
        f"{number_text(abs(expected - figures.cycles), 3)} cycles are unaccounted for: the loop stood still, or they "
        "were not counted",
    )  # fmt: skip


def _due(judge: Judge, figures: Figures) -> None:
    """As many passes as the interval asks for, and one more at most for each minute that closed meanwhile."""
    test = "as many cycles are counted as were due"
    if figures.source != OURS or figures.cycles is None or not figures.wanted_s or figures.elapsed_s is None:
        return
    due, closes = figures.elapsed_s / figures.wanted_s, figures.elapsed_s / _MINUTE_S
    least, most = due * (1 - _OFF) - 2, (due + closes) * (1 + _OFF) + 2
    judge.holds(
        test, least <= figures.cycles + figures.skipped <= most,
        f"{figures.cycles} are counted, {number_text(due, 4)} were due every {seconds(figures.wanted_s)}, and up to "
        f"{number_text(closes, 3)} as minutes closed",
        "the loop stood still, or a key that nobody reads sets the interval",
    )  # fmt: skip


def _interval(judge: Judge, figures: Figures) -> None:
    if figures.source == OURS or figures.interval_s is None or figures.wanted_s is None:
        return  # of our own it is judged among the cycles
    judge.holds(
        _named(figures, "the interval is the one that was meant"), figures.interval_s <= 1.25 * figures.wanted_s,
        f"{seconds(figures.interval_s)} instead of {seconds(figures.wanted_s)}",
        "the key that sets it may be one that nobody reads",
    )  # fmt: skip


def _availability(judge: Judge, figures: Figures, samples: Samples) -> None:
    """A share of routes must be that of the answers beside it."""
    test = _named(figures, "the availability stated is that of the answers")
    routes = asked(samples)
    if figures.available_pct is None or not routes:
        judge.unknown(test, "no availability is stated, or no route was asked")
        return
    bad = [route.path for route in routes if not all(map(good, samples.answers[route.path]))]
    true = 100 * (len(routes) - len(bad)) / len(routes)
    wrong = [
        f"{path} answers {naming(str(o.status or o.error) for o in samples.answers[path] if not good(o))}"
        for path in bad
    ]
    judge.holds(
        test, abs(figures.available_pct - true) < 0.5,
        f"{percent(figures.available_pct)} are stated, {len(routes) - len(bad)} of {len(routes)} routes "
        f"({percent(true)}) answered{'; ' if wrong else ''}{naming(wrong)}",
        "a route that answers 404 is not left out of the share",
    )  # fmt: skip


def _processes(judge: Judge, figures: Figures, samples: Samples) -> None:
    test = _named(figures, f"as many processes are listed as are counted ({figures.role or 'any'})")
    if figures.processes is None or not samples.processes:
        judge.unknown(test, "no count is stated, or no list of processes was taken")
        return
    listed = {
        item.pid for each in samples.processes for item in each.processes if figures.role in {None, item.role}
    }  # fmt: skip
    unlisted = [pid for pid in figures.pids if pid not in listed]
    judge.holds(
        test, figures.processes == len(listed) and not unlisted,
        f"{figures.processes} are counted, {len(listed)} are listed"
        + (f"; not in the list: pid {naming(map(str, unlisted))}" if unlisted else ""),
        "a process that is counted and not listed came or went unseen",
    )  # fmt: skip
    if figures.source != OURS and figures.role == MONITOR and figures.processes > 1:
        judge.holds(
            _named(figures, "one monitor runs"), good=False,
            evidence=f"{figures.processes} processes of `{MONITOR}`",
            mend="a lock or lease must let one monitor an identity run; supervise it",
        )  # fmt: skip


def _fetches(judge: Judge, figures: Figures) -> None:
    """A round of requests over a network cannot be quicker than one of them."""
    test = _named(figures, "fetches are physically possible")
    if not figures.fetches:
        judge.unknown(test, "no round of fetches is told of with its time")
        return
    measured = figures.round_trip_ms
    least = (_ROUND_TRIP_MS if measured is None else 0.5 * measured) / 1000
    quick = [(symbols, total) for symbols, total in figures.fetches if total < least]
    floor = "a public exchange takes" if measured is None else "its quickest answer here took"
    judge.holds(
        test, not quick,
        (f"{counted(quick[0][0], 'fetch')}".replace("fetchs", "fetches")
         + f" in {quick[0][1]:g} s: no answer over a network comes so quickly ({floor} "
         f"{number_text(least * 1000 if measured is None else measured, 3)} ms or more); {len(quick)} of "
         f"{counted(len(figures.fetches), 'round')}") if quick
        else f"the quickest of {counted(len(figures.fetches), 'round')} took {min(t for _, t in figures.fetches):g} s",
        "they came out of a cache: see what age it gives them, and what says `live` then",
    )  # fmt: skip


def _symbols(judge: Judge, figures: Figures, samples: Samples) -> None:
    """Documents of one moment count the same symbols."""
    test = _named(figures, "documents agree on how many symbols there are")
    answers = samples.good(OVERVIEW)
    breadth = answers[-1].body.get("breadth") if answers and isinstance(answers[-1].body, dict) else None
    total = breadth.get("total") if isinstance(breadth, dict) else None
    if figures.symbols is None or not isinstance(total, int) or not isinstance(breadth, dict):
        judge.unknown(test, "the number of symbols is not stated, or the overview has no breadth")
        return
    parts = [breadth.get(name) or 0 for name in ("advancing", "declining", "neutral")]
    judge.holds(
        test, total == figures.symbols and sum(parts) == total,
        f"{figures.symbols} are watched, the breadth counts {' + '.join(map(str, parts))} of {total}",
        "some symbols are without data, or are counted elsewhere",
    )  # fmt: skip


def _shown(figures: Figures) -> Table:
    rows = (
        ("window", seconds(figures.window_s)),
        ("from beginning to end", seconds(figures.elapsed_s)),
        ("cycles", number_text(figures.cycles)),
        ("mean interval", seconds(figures.interval_s)),
        ("interval meant", seconds(figures.wanted_s)),
        ("cycles skipped as overruns", str(figures.skipped)),
        ("availability", percent(figures.available_pct)),
        (f"processes ({figures.role or 'any'})", number_text(figures.processes)),
        ("symbols", number_text(figures.symbols)),
        ("errors logged", number_text(figures.errors)),
    )
    return Table(title=f"Figures of {figures.source}", columns=("figure", "is"), rows=rows)

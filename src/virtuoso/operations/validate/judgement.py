"""From samples to the report: every section, the decision, and what is said first."""

from collections.abc import Callable
from typing import Final

from virtuoso.model.text.numbers import UNKNOWN, counted, number_text
from virtuoso.operations.validate.judging.alerts import alerts
from virtuoso.operations.validate.judging.comparing import configuration, regression
from virtuoso.operations.validate.judging.crosschecks import crosschecks
from virtuoso.operations.validate.judging.cycles import deployment, fetching, stability
from virtuoso.operations.validate.judging.exchange import exchange
from virtuoso.operations.validate.judging.feeds import feeds, universe
from virtuoso.operations.validate.judging.figures import measured, measures, stated
from virtuoso.operations.validate.judging.freshness import freshness
from virtuoso.operations.validate.judging.infrastructure import infrastructure
from virtuoso.operations.validate.judging.logs import log
from virtuoso.operations.validate.judging.market import books, closes
from virtuoso.operations.validate.judging.record import track_record
from virtuoso.operations.validate.judging.routes import api
from virtuoso.operations.validate.judging.words import Judge, percent, seconds
from virtuoso.operations.validate.report import Figures, Report, Section, Verdict, files
from virtuoso.operations.validate.samples import Samples

_SECTIONS: Final[dict[str, Callable[[Samples], Section]]] = {
    "Deployment": deployment, "Stability and cycles": stability, "Parallel fetching": fetching,
    "Error scan of the log": log, "API": api, "Data freshness": freshness, "Feeds": feeds, "Universe": universe,
    "Closes of minutes": closes, "Order books": books, "Live against the exchange": exchange, "Alert system": alerts,
    "Infrastructure": infrastructure,
}  # fmt: skip
_LAST: Final[dict[str, Callable[[Samples], Section]]] = {
    "Configuration": configuration, "Track record of the window": track_record,
}  # fmt: skip


def judged(samples: Samples, baseline: Report | None = None) -> Report:
    """Judge what was seen. The same samples give the same report, wherever and whenever they are judged."""
    ours = measured(samples)
    theirs = None if samples.statement is None else stated(samples.statement, samples)
    known = measures(samples, ours)
    sections = [
        *(_contained(title, judging, samples) for title, judging in _SECTIONS.items()),
        _contained("Cross-checks", lambda seen: crosschecks(seen, ours, theirs), samples),
        *(_contained(title, judging, samples) for title, judging in _LAST.items()),
    ]
    made = tuple(check for section in sections for check in section.checks)
    sections.insert(-2, regression(baseline, known, made))
    verdicts = [check.verdict for section in sections for check in section.checks]
    failed = verdicts.count(Verdict.FAIL)
    partial = samples.run.partial
    passed = failed == 0 and not partial and Verdict.PASS in verdicts
    return Report(
        url=samples.run.url, began=samples.run.began, ended=samples.run.ended, seconds=samples.seconds,
        window_s=samples.run.window_s, partial=partial, by=samples.run.by, passed=passed,
        decision=_decision(verdicts, samples, passed=passed), figures=ours,
        metrics=_metrics(samples, ours), measures=known, sections=tuple(sections),
        requests=tuple(f"{route.method} {route.asked}" for route in samples.routes
                       if route.asked is not None and route.method == "GET"),
        samples=files(samples.files),
    )  # fmt: skip


def _contained(title: str, judging: Callable[[Samples], Section], samples: Samples) -> Section:
    """A section; where answers are not of the documented form, one that says so and fails."""
    try:
        return judging(samples)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        judge = Judge(title)
        said = f"they are not of the documented form: {type(error).__name__}: {error}"
        judge.holds(
            "the answers can be judged", good=False, evidence=said, mend="compare them with the OpenAPI document"
        )
        return Section(title=title, checks=tuple(judge.checks))


def _decision(verdicts: list[Verdict], samples: Samples, *, passed: bool) -> str:
    failed, unknown = verdicts.count(Verdict.FAIL), verdicts.count(Verdict.UNKNOWN)
    counts = (
        f"{verdicts.count(Verdict.PASS)} of {counted(len(verdicts), 'check')} passed, {failed} failed, "
        f"{counted(verdicts.count(Verdict.OBSERVED), 'observation')}, {unknown} could not be examined"
    )
    if samples.run.partial:
        return f"PARTIAL, and so no pass: {_of_window(samples)} were watched. {counts}."
    return f"{'PASS' if passed else 'FAIL'}: {counts}."


def _of_window(samples: Samples) -> str:
    wanted = "" if samples.run.window_s is None else f" of {seconds(samples.run.window_s)}"
    return f"{seconds(samples.seconds)}{wanted}"


def _metrics(samples: Samples, figures: Figures) -> tuple[tuple[str, str], ...]:
    """Gather the figures of the summary, each with its name."""
    answers = [one for each in samples.answers.values() for one in each] + samples.status
    every = f"every {seconds(figures.interval_s)} on the mean; meant are {seconds(figures.wanted_s)}"
    failed = sum(one.status is None or one.status >= 400 for one in answers)
    return (
        ("window", _of_window(samples)),
        ("cycles", f"{number_text(figures.cycles)}, {every}"),
        ("answers asked for", f"{len(answers)}, {failed} of them with an error"),
        ("routes that always answered", percent(figures.available_pct)),
        ("symbols", number_text(figures.symbols)),
        ("errors logged", f"{UNKNOWN} (no log was read)" if figures.errors is None else number_text(figures.errors)),
    )  # fmt: skip

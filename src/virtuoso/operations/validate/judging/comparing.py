"""Against what was: a baseline that an earlier validation wrote, and the configuration's files."""

from collections.abc import Mapping
from typing import Any, Final

from virtuoso.model.text.numbers import UNKNOWN, counted, number_text
from virtuoso.operations.validate.judging.states import State, states
from virtuoso.operations.validate.judging.words import Judge, naming, percent
from virtuoso.operations.validate.report import Check, Report, Section, Table, Verdict
from virtuoso.operations.validate.samples import Samples

_CRITERION: Final = "Regression"
_WORSE: Final = 1.5
_FLOOR: Final = {"ms": 20.0, "MB": 50.0, "s": 0.5}
"""What is gained less than this is noise, whatever share it is."""
_EFFECTIVE: Final = {
    "monitoring.interval": ("cycle", "interval_configured"),
    "universe.size": ("universe", "configured"),
    "exchange.name": ("exchange", "name"),
    "exchange.category": ("exchange", "category"),
    "exchange.address": ("exchange", "address"),
    "cache.tiers": ("stores", "cache_tiers"),
    "identity": ("stores", "lease", "identity"),
}  # fmt: skip
"""Where the status says what is in force, by key of the configuration."""


def regression(
    baseline: Report | None, measures: Mapping[str, float], now: tuple[Check, ...]
) -> Section:  # fmt: skip
    """Hold this validation against an earlier one."""
    judge = Judge(_CRITERION)
    if baseline is None:
        judge.unknown("nothing became worse", "no earlier report was named: --baseline FILE")
        return Section(title="Regression", checks=tuple(judge.checks))
    worse, rows = [], []
    for name, value in measures.items():
        then = baseline.measures.get(name)
        if then is None:
            continue
        ratio = value / then if then else None
        rows.append((name, number_text(then, 4), number_text(value, 4), UNKNOWN if ratio is None else f"{ratio:.2f} ×"))
        if value > _WORSE * then and value - then > _FLOOR.get(name.rpartition(", ")[2], 0.0):
            worse.append(f"{name}: {number_text(then, 3)} → {number_text(value, 3)}")
    judge.holds(
        "nothing became slower or larger", not worse if rows else None,
        naming(worse) or (f"none of {len(rows)} measures grew by half" if rows else "no measure is in both"),
        f"worse is {percent(100 * (_WORSE - 1))} more, and more than noise",
    )  # fmt: skip
    _what_held(judge, baseline, now)
    columns = ("measure", baseline.began, "now", "ratio")
    return Section(
        title="Regression", tables=(Table(title="Against the baseline", columns=columns, rows=tuple(rows)),),
        checks=tuple(judge.checks),
    )  # fmt: skip


def _what_held(judge: Judge, baseline: Report, now: tuple[Check, ...]) -> None:
    """Whether each check that passed then passes now: one that nobody could make is not one that holds."""
    held = [check for check in baseline.checks if check.verdict is Verdict.PASS and check.criterion != _CRITERION]
    verdicts = {(check.criterion, check.test): check.verdict for check in now}
    was = {check.test: verdicts.get((check.criterion, check.test), Verdict.UNKNOWN) for check in held}
    broken = [test for test, verdict in was.items() if verdict is Verdict.FAIL]
    unknown = [test for test, verdict in was.items() if verdict is Verdict.UNKNOWN]
    said = f"{counted(len(held), 'check')} passed then"
    if broken:
        said += f"; failed now: {naming(broken)}"
    if unknown:
        said += f"; not examined now: {naming(unknown)}"
    judge.holds("what held before holds", False if broken else None if unknown else True, said, "see those checks")


def configuration(samples: Samples) -> Section:
    """What is in force, against what the files say."""
    judge, found = Judge("Configuration"), states(samples)
    configured = samples.run.configured
    waiting = list(dict.fromkeys(str(key) for state in found for key in state.of("needs_restart") or ()))
    if found:
        judge.holds("what was reloaded is in force", not waiting, f"a restart is needed for {naming(waiting)}"
                    if waiting else "no key waits for a restart", "restart it")  # fmt: skip
    if configured is None:
        judge.unknown("what is in force is what the files say", "no configuration was named: -c FILE")
    rows, drifted, untold = [], [], []
    for key, path in _EFFECTIVE.items():
        effective = _last(found, path)
        wanted = None if configured is None else configured.get(key)
        rows.append((key, _text(wanted), _text(effective)))
        if configured is None or key not in configured:
            continue
        if effective is None:
            untold.append(key)
        elif not _equal(wanted, effective):
            drifted.append(f"{key}: {_text(wanted)} in the file, {_text(effective)} in force")
    if configured is not None:
        told = len(configured.keys() & _EFFECTIVE.keys()) - len(untold)
        judge.holds("what is in force is what the files say", not drifted if told else None,
                    naming(drifted) or f"{counted(told, 'key')} as in the files",
                    "it was started with other files, or not restarted since")  # fmt: skip
    if untold:
        judge.unknown("every key is told as it is in force", f"the status does not say {naming(untold)}")
    columns = ("key", "in the files", "in force")
    return Section(
        title="Configuration", tables=(Table(title="Effective values", columns=columns, rows=tuple(rows)),),
        checks=tuple(judge.checks),
    )  # fmt: skip


def _last(found: list[State], path: tuple[str, ...]) -> Any:
    return found[-1].of(*path) if found else None


def _equal(wanted: Any, effective: Any) -> bool:
    if isinstance(wanted, str) and isinstance(effective, str):
        return wanted.rstrip("/") == effective.rstrip("/")
    return bool(wanted == effective)


def _text(value: Any) -> str:
    if value is None:
        return UNKNOWN
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)

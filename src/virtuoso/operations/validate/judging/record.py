"""The track record of the window: what was said meanwhile, and what is known to have come of it."""

from collections import Counter
from typing import Any

from virtuoso.model.text.numbers import UNKNOWN, counted, number_text
from virtuoso.operations.validate.judging.words import Judge, percent
from virtuoso.operations.validate.report import Section, Table
from virtuoso.operations.validate.samples import PERFORMANCE, SIGNALS, Samples


def track_record(samples: Samples) -> Section:
    """Tell what was said in the window, and how good what fell due was by the deployment's own record."""
    judge = Judge("Track record")
    said: Counter[str] = Counter()
    closes: set[tuple[str, str]] = set()
    for one in samples.good(SIGNALS):
        for item in one.body.get("signals") or ():
            key = (str(item.get("symbol")), str(item.get("timestamp")))
            if key not in closes:
                closes.add(key)
                said[str(item.get("signal") or "unknown")] += 1
            if item.get("signal") is not None and not 0 <= (item.get("confidence") or 0.0) <= 1:
                judge.holds("confidence is a probability", good=False,
                            evidence=f"{key[0]} at {key[1]}: {item.get('confidence')}")  # fmt: skip
    rows = tuple((label, str(count)) for label, count in sorted(said.items()))
    tables = [Table(title="Signals that were served, one for each symbol and close", columns=("signal", "how many"),
                    rows=rows)]  # fmt: skip
    answers = samples.good(PERFORMANCE)
    body: dict[str, Any] = answers[-1].body if answers and isinstance(answers[-1].body, dict) else {}
    horizons = [each for each in body.get("horizons") or () if isinstance(each, dict)]
    if not horizons:
        judge.unknown("what was said can be judged", str(body.get("reason") or "no record of outcomes came"))
    else:
        judge.holds(
            "what was said can be judged", good=True, evidence=
            f"{counted(len(horizons), 'horizon')} with outcomes; a window is far too short to judge them by",
        )  # fmt: skip
        tables.append(_outcomes(horizons))
    return Section(title="Track record of the window", tables=tuple(tables), checks=tuple(judge.checks))


def _outcomes(horizons: list[dict[str, Any]]) -> Table:
    rows = []
    for each in horizons:
        inside = next(
            (band.get("inside") or {} for band in (each.get("cone") or {}).get("bands") or ()
             if band.get("claimed") == 0.8), {}
        )  # fmt: skip
        skill = ((each.get("large_move") or {}).get("skill") or {}).get("value")
        value = inside.get("value")
        rows.append((
            f"{each.get('horizon_min')} min", str(each.get("readings")), str(each.get("unknown")),
            UNKNOWN if value is None else percent(100 * value), number_text(skill, 3),
        ))  # fmt: skip
    columns = ("horizon", "readings settled", "unknown", "inside the 80 % band", "skill of P(large move)")
    return Table(title="What came of what was said", columns=columns, rows=tuple(rows),
                 note="by the deployment's own record; a dash is of too few readings to be said")  # fmt: skip

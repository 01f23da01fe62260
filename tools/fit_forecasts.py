"""Fit the forecasts that a fresh install begins with, and write them into the package.

Usage: python tools/fit_forecasts.py SET… [--leave-out 2025-05-04 2025-06-01]

Each SET is a file or a folder of 1m bars of one period. The days of the history that the demo plays are left out, with
an embargo of the longest horizon before them, and of all that features remember after them.
"""

import argparse
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from virtuoso.analysis.forecast.fits.fit import Fit, fitted
from virtuoso.analysis.forecast.horizons import HORIZONS_MIN
from virtuoso.analysis.forecast.training import TrainingSet
from virtuoso.market.panel import Floats
from virtuoso.model.timeframe import Timeframe
from virtuoso.research.bar_files.bars import read_bars
from virtuoso.research.forecasting.walk import WalkForward

TARGET = Path(__file__).parents[1] / "src/virtuoso/analysis/forecast/fits/shipped.py"
EMBARGO_MS = (HORIZONS_MIN[-1] + 1) * Timeframe.M1.ms
MEMORY_MS = Timeframe.W1.ms + Timeframe.H1.ms
FIELDS = ("volatility", "market", "trend", "threshold", "cost_bp", "realised", "returns")


def files_of(path: Path) -> list[Path]:
    """The files of bars of a set."""
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return [file for file in files if file.suffix != ".md"]


def gathered(path: Path, begin_ms: int, end_ms: int) -> tuple[TrainingSet, Floats | None]:
    """What is known at the end of a set of bars; the multiples of its cones where none of it lies near these times."""
    with read_bars(files_of(path)) as bars:
        walk = WalkForward(bars.symbols, bars.interval)
        for block in bars.blocks():
            for _ in walk.forecasts(block, bars.seams):
                pass
        apart = bars.last_ms < begin_ms - EMBARGO_MS or bars.first_ms > end_ms + MEMORY_MS
        known = walk.forecaster.training_set(bars.last_ms + bars.interval.ms)
        return purged(known, begin_ms, end_ms), walk.forecaster.multiples() if apart else None


def purged(training: TrainingSet, begin_ms: int, end_ms: int) -> TrainingSet:
    """Without samples that have seen anything between these times."""
    kept = (training.close_ms <= begin_ms - EMBARGO_MS) | (training.close_ms > end_ms + MEMORY_MS)
    return TrainingSet(
        until_ms=training.until_ms,
        close_ms=training.close_ms[kept],
        **{name: getattr(training, name)[..., kept] for name in FIELDS},
    )


def joined(sets: list[TrainingSet]) -> TrainingSet:
    """All samples of all sets."""
    return TrainingSet(
        until_ms=max(each.until_ms for each in sets if each.close_ms.size),
        close_ms=np.concatenate([each.close_ms for each in sets]),
        **{name: np.concatenate([getattr(each, name) for each in sets], axis=-1) for name in FIELDS},
    )


def module(fit: Fit, sources: list[str]) -> str:
    """The source of the module that holds `fit`."""
    return source_of(
        "The fit that a fresh install begins with, until its own days suffice.",
        "tools/fit_forecasts.py",
        sources,
        "virtuoso.analysis.forecast.fits.fit",
        "Fit",
        "SHIPPED",
        fit.arrays(),
    )


def source_of(
    title: str, tool: str, sources: list[str], module: str, kind: str, name: str, arrays: Mapping[str, Floats]
) -> str:
    """The source of a module that holds an object made by `kind.of(arrays)`; whole numbers as they are, others to six digits."""
    lines = [
        f'"""{title}',
        "",
        f"Written by {tool}, not to be edited, from",
        *(f"- {source}" for source in sources),
        '"""',
        "",
        "from typing import Final",
        "",
        "import numpy as np",
        "",
        f"from {module} import {kind}",
        "",
        "# fmt: off",
        f"{name}: Final = {kind}.of({{",
    ]
    for key, array in arrays.items():
        lines.append(f'    "{key}": np.array([')
        line = "       "
        for value in array.flat:
            number = "np.nan" if np.isnan(value) else f"{value:.0f}" if value == int(value) else f"{value:.6g}"
            if len(line) + len(number) > 116:
                lines.append(line)
                line = "       "
            line += f" {number},"
        lines.append(line)
        lines.append(f"    ]).reshape({array.shape}),")
    lines += ["})", "# fmt: on", ""]
    return "\n".join(lines)


def main() -> None:
    """Fit on all sets together."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sets", nargs="+", type=Path, help="files or folders of 1m bars, one a period")
    parser.add_argument(
        "--leave-out", nargs=2, default=["2025-05-04", "2025-06-01"], help="first day and the one after"
    )
    options = parser.parse_args()
    begin_ms, end_ms = (
        int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() * 1000) for day in options.leave_out
    )
    found = [gathered(path, begin_ms, end_ms) for path in options.sets]
    sets, multiples = [training for training, _ in found], [of for _, of in found if of is not None]
    for path, each in zip(options.sets, sets, strict=True):
        print(f"{path.name}: {each.close_ms.size:,} samples")
    fit = fitted(joined(sets))
    if fit is None:
        raise SystemExit("too little is left to fit")
    if multiples:
        fit = replace(fit, multiples=np.mean(multiples, axis=0))  # quantile by quantile: no set is the tail of another
    TARGET.write_text(module(fit, [path.stem for path in options.sets]), encoding="utf-8")
    print(
        f"{TARGET.name}: {fit.days} days, {fit.samples:,} samples, until {datetime.fromtimestamp(fit.last_ms / 1000, UTC):%F}"
    )


if __name__ == "__main__":
    main()

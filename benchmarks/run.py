"""Run the benchmarks: `python -m benchmarks.run [--only PART] [--minutes 10] [--json FILE] [--document]`.

Participants take turns (A B C A B C …) in one run, each in a process of its own. Nothing here asserts: a target that is
missed is printed as missed. Exit code 2 when something that is needed is not installed.
"""

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks import (
    alert_stages,
    analysis,
    api,
    detect,
    forecast,
    influx,
    ingest,
    machine,
    poll,
    recording,
    replay,
    report,
    start,
    timeseries,
    web,
    whole,
    workload,
)
from benchmarks.figures import Section

PASSES = 20
RESULT = Path("build/benchmarks/result.json")
Measure = Callable[[argparse.Namespace], list[Section]]

PARTS: Mapping[str, Measure] = {
    "ingest": lambda options: ingest.measure(options.rounds, workload.CAPTURE, PASSES),
    "detect": lambda options: detect.measure(options.rounds, workload.CAPTURE, PASSES),
    "analysis": lambda options: analysis.measure(options.rounds),
    "forecast": lambda options: forecast.measure(options.rounds),
    "start": lambda options: start.measure(options.rounds),
    "alerts": lambda options: alert_stages.measure(options.rounds),
    "api": lambda options: api.measure(options.rounds),
    "web": lambda options: web.measure(options.rounds),
    "recording": lambda options: recording.measure(options.rounds),
    "poll": lambda options: poll.measure(options.rounds),
    "influx": lambda options: influx.measure(options.rounds),
    "replay": lambda options: replay.measure(options.rounds),
    "timeseries": lambda options: timeseries.measure(options.rounds),
    "whole": lambda options: whole.measure(options.minutes),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__.partition("\n")[0])
    parser.add_argument("--only", choices=list(PARTS), action="append", help="repeatable; default: all")
    parser.add_argument("--rounds", type=int, default=5, help="samples of each participant (default 5)")
    parser.add_argument("--minutes", type=float, default=10.0, help="of the whole exchange (default 10)")
    parser.add_argument("--json", type=Path, metavar="FILE", default=RESULT, help=f"all samples (default {RESULT})")
    parser.add_argument("--document", action="store_true", help="put the table into docs/benchmarks.md")
    options = parser.parse_args()
    names = options.only or list(PARTS)
    if {"api", "web"} & set(names):
        api.require_tools()
    before = machine.load()
    sections: list[Section] = []
    for name in names:
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        sections += PARTS[name](options)
    noise: dict[str, Any] = {"load before": before["load_1m"], "load after": machine.load()["load_1m"]}
    noise["stolen time %"] = before["steal_percent"]
    noise["widest median over best"] = max(series.spread for section in sections for series in section.series) + 1.0
    markdown = report.as_markdown(sections, machine.describe(), noise)
    print(markdown)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(report.as_json(sections, machine.describe(), noise))
    if options.document:
        report.write_document(markdown)


if __name__ == "__main__":
    main()

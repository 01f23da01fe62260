"""Ingest: the mixed stream from a socket to state, and the parse path alone, beside the peers."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks import workload
from benchmarks.environments import LOCKS, python_of
from benchmarks.figures import Section, Series, Target
from benchmarks.processes import Answer, ask, own_module, worker

FOLDER = Path(__file__).parent.parent / "build/benchmarks"
TOLERANCE = 1e-6

Run = Callable[[], Answer]


def check(name: str, answer: Answer, expected: Mapping[str, Any]) -> None:
    """Every receiver must have processed everything: by its final state, by its count, or by both.

    Raises:
        SystemExit: its final state is not the one expected; the message names the difference.
    """
    if "messages" in answer and answer["messages"] != expected["messages"]:
        raise SystemExit(f"{name} processed {answer['messages']} of {expected['messages']} messages")
    if answer["symbols"] and set(answer["symbols"]) != set(expected["symbols"]):
        raise SystemExit(f"{name} knows {sorted(answer['symbols'])}")
    for symbol, state in answer["symbols"].items():
        wanted = expected["symbols"][symbol]
        for key in state.keys() & wanted.keys():
            if not same(state[key], wanted[key]):
                raise SystemExit(f"{name}: {key} of {symbol} is {state[key]}, should be {wanted[key]}")


def same(value: Any, wanted: Any) -> bool:
    """Equal, numbers to a relative 1e-6."""
    if isinstance(wanted, list):
        return len(value) == len(wanted) and all(map(same, value, wanted))
    if isinstance(wanted, float):
        return bool(abs(value - wanted) <= TOLERANCE * max(1.0, abs(wanted)))
    return bool(value == wanted)


def interleave(runs: Mapping[str, Run], rounds: int, expected: Mapping[str, Any]) -> dict[str, list[Answer]]:
    """A B C A B C …, each answer checked."""
    answers: dict[str, list[Answer]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            answer = run()
            check(name, answer, expected)
            answers[name].append(answer)
    return answers


def _driver(name: str, *arguments: object) -> Run:
    command = [str(python_of(name)), str(LOCKS / f"{name}_driver.py"), *map(str, arguments)]
    return lambda: ask(command)


def _own(module: str, *arguments: object) -> Run:
    command = [*own_module(f"benchmarks.drivers.{module}"), *map(str, arguments)]
    return lambda: ask(command)


def _fill(section: Section, answers: Mapping[str, list[Answer]], messages: int) -> dict[str, Series]:
    series = {
        name: Series(name, "µs/message", [answer["cpu_s"] * 1e6 / messages for answer in runs])
        for name, runs in answers.items()
    }
    section.series.extend(series.values())
    section.versions.update({name: runs[0]["versions"] for name, runs in answers.items()})
    return series


def stream(rounds: int, expected: Mapping[str, Any]) -> Section:
    """From the socket."""
    section = Section("ingest", "Ingest: socket to state, receiver's CPU time per message")
    frames = FOLDER / "frames.jsonl"
    with worker([*own_module("benchmarks.sender"), str(frames)]) as sender:
        ports = sender.read()
        where = (FOLDER, ports["port"], ports["control"])
        runs = {
            "virtuoso": _own("stream", *where),
            "picows + msgspec alone": _own("floor", *where),
            "ccxt.pro": _driver("ccxt", *where),
            "nautilus_trader": _driver("nautilus", *where),
        }
        answers = interleave(runs, rounds, expected)
    series = _fill(section, answers, expected["messages"])
    ours = series["virtuoso"]
    section.targets += [
        Target.ratio("ccxt.pro `watch_*` over virtuoso", "≥", 9.0, series["ccxt.pro"], ours),
        Target.ratio("nautilus_trader over virtuoso", "≥", 1.0, series["nautilus_trader"], ours),
        Target.ratio("virtuoso over picows + msgspec alone", "≤", 2.5, ours, series["picows + msgspec alone"]),
    ]
    return section


def parse(rounds: int, expected: Mapping[str, Any]) -> Section:
    """Without a socket."""
    section = Section("parse", "Parse path: frame to state without a socket, CPU time per message")
    runs = {
        "virtuoso": _own("parse", FOLDER),
        "cryptofeed": _driver("cryptofeed", FOLDER),
        "pybit": _driver("pybit", FOLDER),
    }
    series = _fill(section, interleave(runs, rounds, expected), expected["messages"])
    section.targets += [
        Target.ratio("cryptofeed over virtuoso", "≥", 4.0, series["cryptofeed"], series["virtuoso"]),
        Target.ratio("pybit over virtuoso", "≥", 9.0, series["pybit"], series["virtuoso"]),
    ]
    return section


def measure(rounds: int, capture: Path, passes: int) -> list[Section]:
    """Both sections, over one workload."""
    for name in ("ccxt", "cryptofeed", "nautilus", "pybit"):
        python_of(name)
    expected = workload.write(capture, passes, FOLDER)
    sections = [stream(rounds, expected), parse(rounds, expected)]
    kinds = json.dumps(expected["kinds"]).strip("{}").replace('"', "")
    for section in sections:
        section.notes.append(f"{expected['messages']} messages a round ({kinds}); final state of everyone compared")
    return sections

"""A day's weather from a file: at second `at`, fault f, for d seconds."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import yaml

from virtuoso.model.errors import UsageError
from virtuoso.model.text.failures import why_unread
from virtuoso.model.text.yaml import BoundedLoader, TooLargeError, read_text
from virtuoso.simulator.faults import Fault

Steps = Sequence[tuple[float, Fault]]


def read_scenario(path: Path) -> Steps:
    """Steps by time (seconds from the start).

    Raises:
        UsageError: names the file, the step and what would be right.
    """
    try:
        document = yaml.load(read_text(path), Loader=BoundedLoader)  # noqa: S506 - a SafeLoader
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {why_unread(error)}") from error
    except TooLargeError as error:
        raise UsageError(f"{path}: {error}; no scenario is") from error
    except (yaml.YAMLError, ValueError) as error:  # ValueError: no UTF-8
        raise UsageError(f"{path}: not YAML: {' '.join(str(error).split())}") from error
    steps = document.get("steps") if isinstance(document, dict) else None
    if not isinstance(steps, list):
        raise UsageError(f"{path}: must hold `steps:`, a list such as [{{at: 20, fault: mute, for_s: 15}}]")
    return sorted((_step(path, i, step) for i, step in enumerate(steps, 1)), key=lambda step: step[0])


def _step(path: Path, number: int, step: Any) -> tuple[float, Fault]:
    where = f"{path}: step {number}"
    if not isinstance(step, dict) or not isinstance(step.get("at"), int | float) or step["at"] < 0:
        raise UsageError(f"{where}: must have `at`, the seconds from the start, such as {{at: 20, fault: mute}}")
    try:
        return float(step["at"]), msgspec.convert({k: v for k, v in step.items() if k != "at"}, Fault)
    except msgspec.ValidationError as error:
        raise UsageError(f"{where}: {error}") from error

"""What is kept of a run, for later ones to be compared with: its ratios, round by round."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.figures import Ratio

KEPT = Path(__file__).parent / "baseline.json"
_LOAD_PER_CORE = 0.5


class Unusable(Exception):
    """A file that nothing can be compared with; it says why."""


def ratios_of(document: Mapping[str, Any]) -> dict[str, Ratio]:
    """The ratios of a result of `benchmarks.run`, by what they are of; figures of one machine alone are left out."""
    targets = [target for section in document["sections"] for target in section["targets"]]
    return {
        target["what"]: Ratio(sense=target["sense"], rounds=tuple(target["rounds"]))
        for target in targets
        if target["rounds"]
    }


def read_result(path: Path) -> tuple[Mapping[str, str], Mapping[str, Any], dict[str, Ratio]]:
    """The machine, the noise and the ratios of a run.

    Raises:
        Unusable: there is no such file, or it is no result of this version.
    """
    document = _read(path, "run `python -m benchmarks.run`, which writes it")
    try:
        return document["machine"], document["noise"], ratios_of(document)
    except (KeyError, TypeError) as error:
        raise Unusable(f"{path}: no result of this version of `benchmarks.run` ({error!r} is wrong)") from error


def read_kept(path: Path) -> tuple[Mapping[str, str], dict[str, Ratio]]:
    """The machine and the ratios of the run that was kept.

    Raises:
        Unusable: nothing was kept, or what is there is no baseline.
    """
    document = _read(path, "keep the run of a quiet machine by --keep")
    try:
        return document["machine"], {
            what: Ratio(sense=kept["sense"], rounds=tuple(kept["rounds"])) for what, kept in document["ratios"].items()
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise Unusable(f"{path}: no baseline that `--keep` wrote ({error!r} is wrong)") from error


def keep(machine: Mapping[str, str], noise: Mapping[str, Any], ratios: Mapping[str, Ratio], path: Path) -> None:
    """Keep a run as the baseline; parts that it did not measure stay as they were, if the machine is the same.

    Raises:
        Unusable: it was made on a busy machine, which later runs would be measured by.
    """
    most = _LOAD_PER_CORE * int(machine["cores"])
    if noise["load before"] > most:
        raise Unusable(
            f"the run began at a load of {noise['load before']:.1f} on {machine['cores']} cores: "
            f"keep one that began at {most:.1f} or less"
        )
    kept: dict[str, Ratio] = {}
    if path.exists():
        before, kept = read_kept(path)
        kept = kept if before["processor"] == machine["processor"] else {}
    document = {
        "machine": dict(machine), "noise": dict(noise),
        "ratios": {what: {"sense": r.sense, "rounds": list(r.rounds)} for what, r in (kept | dict(ratios)).items()},
    }  # fmt: skip
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def _read(path: Path, otherwise: str) -> Any:
    try:
        return json.loads(path.read_text())
    except FileNotFoundError as error:
        raise Unusable(f"{path} is not there: {otherwise}") from error
    except ValueError as error:
        raise Unusable(f"{path} is no JSON: {error}") from error

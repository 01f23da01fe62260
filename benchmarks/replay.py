"""How fast a recording of 15 symbols is played again: two minutes of the embedded exchange, recorded once."""

import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures import Section, Series, Target
from benchmarks.processes import ask
from benchmarks.running import COMMAND, exchange, settings

RECORD_S = 120


def measure(rounds: int) -> list[Section]:
    """Each round plays it in a process of its own; all must give the same documents.

    Raises:
        SystemExit: two rounds gave different documents, or a cycle failed.
    """
    section = Section("replay", f"Replay: {RECORD_S} s of 15 symbols, `virtuoso replay`")
    with TemporaryDirectory() as name:
        folder = Path(name)
        with exchange() as port:
            config = settings(folder, port)
            command = [*COMMAND, "record", str(folder / "wire"), "-c", str(config), "--for", str(RECORD_S)]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        rows = [ask([*COMMAND, "replay", str(folder / "wire"), "-c", str(config), "--json"]) for _ in range(rounds)]
        size = sum(file.stat().st_size for file in folder.glob("wire.*"))
    if len({row["sha256"] for row in rows}) != 1 or any(row["failures"] for row in rows):
        raise SystemExit(f"rounds of the same recording differ: {rows}")
    speed = Series("virtuoso replay", "recorded s/s", [row["speed"] for row in rows])
    section.series.append(speed)
    section.targets.append(Target.value("replay over real time", "≥", 20.0, speed))
    frames, symbols, cycles = (rows[0][key] for key in ("frames", "symbols", "cycles"))
    section.notes.append(
        f"{frames:,} frames, {symbols} symbols, {cycles} cycles, {size / 1e6:.1f} MB; the same SHA-256 in every round"
    )
    return [section]

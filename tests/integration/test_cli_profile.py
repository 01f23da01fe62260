"""`virtuoso profile` against the embedded exchange: what stages take, where threads are seen, and a flame graph."""

import os
import subprocess
from pathlib import Path
from xml.etree import ElementTree

from tests.support import warm
from tests.support.exchange import Running
from tests.support.program import command, settings_for


def profile(config: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return warm.run(command("profile", *arguments, "-c", str(config)), timeout=240, env=dict(os.environ))


def test_it_says_what_stages_take_and_draws_where_threads_were(wall_exchange: Running, tmp_path: Path) -> None:
    config, graph = settings_for(wall_exchange, tmp_path), tmp_path / "graph.svg"
    text = ""
    for cycles in (2, 20, 70):  # a pass without a close has so little to do that no look may fall into it
        done = profile(config, "--cycles", str(cycles), "-o", str(graph))
        assert done.returncode == 0, done.stderr
        lines = done.stdout.splitlines()
        assert lines[0].startswith((f"{cycles} cycles of ", f"{cycles + 1} cycles of "))
        assert "% of a processor" in lines[0]
        stages = [line.split()[0] for line in lines if line.endswith("%")]
        assert {"analyse", "decide", "publish", "documents", "worker"} <= set(stages)
        assert any(" MainThread " in line for line in lines)
        assert lines[-1] == f"flame graph: {graph}"
        text = graph.read_text()
        assert ElementTree.fromstring(text).tag.endswith("svg")
        if "virtuoso.monitor." in text:
            break
    assert "virtuoso.monitor." in text
    assert not (tmp_path / "data" / "virtuoso.db").exists(), "nothing is kept"


def test_where_nothing_can_be_written_is_told_before_anything_is_watched(
    wall_exchange: Running, tmp_path: Path
) -> None:
    config, missing = settings_for(wall_exchange, tmp_path), tmp_path / "none"
    for out, why in (
        (missing / "graph.svg", f"there is no folder {missing}"),
        (tmp_path, "is a folder; name a file in it"),
    ):
        done = profile(config, "-o", str(out))
        assert (done.returncode, done.stdout, done.stderr) == (2, "", f"virtuoso: --out {out}: {why}\n")

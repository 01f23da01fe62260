"""A pipe whose reader is gone, as after `| head -1`: the program ends in silence, as other tools of Unix do."""

import os
import subprocess
from pathlib import Path

import pytest
from tests.support import warm
from tests.support.program import command

RULES = "rules: [{name: r, when: score > 75}]"


@pytest.mark.parametrize(
    "arguments", [("config", "show"), ("config", "show", "--json"), ("rules", "list", "r.yaml"), ("--help",)]
)
def test_a_reader_that_is_gone_ends_it_in_silence(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    (tmp_path / "r.yaml").write_text(RULES)
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as gone:
        process = warm.Popen(
            command(*arguments), stdout=gone, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, cwd=tmp_path
        )
        _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (141, "")

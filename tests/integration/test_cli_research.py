"""`virtuoso research` as a user runs it."""

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.support import warm
from tests.support.panels import random_bars, symbols

MINUTES, N = 600, 2


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("research")
    bars = random_bars(MINUTES, N, seed=3)
    columns = {"ts": np.repeat(bars.open_ms, N), "symbol": np.tile(np.array(symbols(N)), MINUTES)}
    columns |= {name: getattr(bars, name).reshape(-1) for name in ("open", "high", "low", "close", "volume")}
    pq.write_table(pa.table(columns), folder / "bars.parquet")
    return folder


def _virtuoso(folder: Path, *arguments: str) -> tuple[int, str, str]:
    done = warm.run([sys.executable, "-m", "virtuoso.cli", "research", *arguments], timeout=100)
    return done.returncode, done.stdout, done.stderr


def test_weights_of_too_few_days_say_that_there_is_nothing_to_judge(folder: Path) -> None:
    code, out, err = _virtuoso(folder, "weights", str(folder / "bars.parquet"), "--json")
    assert code == 0, err
    document = json.loads(out)
    (found,) = document["sets"].values()
    assert found["symbols"] == list(symbols(N))
    assert {trial["weighting"] for trial in found["trials"]} == {
        "configured", "configured_reversed", "momentum", "reversal", "equal", "ridge", "logistic", "information",
    }  # fmt: skip
    assert {trial["horizon_min"] for trial in found["trials"]} == {15, 60, 240}
    assert all(trial["net_bp"]["value"] is None for trial in found["trials"])
    assert document["choice"]["winner"] is None
    assert document["choice"]["reason"] == "there is nothing to judge"

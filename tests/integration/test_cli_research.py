"""`virtuoso research` as a user runs it."""

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.support import warm
from tests.support.panels import START_MS, random_bars, symbols

from virtuoso.model.clock import iso

MINUTES, N = 600, 2
MINUTE_MS = 60_000


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


def test_a_track_record_of_sets_of_ones_own_is_a_page_that_says_what_is_not_there(folder: Path) -> None:
    (folder / "sets.toml").write_text(
        '[[set]]\nname = "mine"\ntitle = "ten hours"\nfiles = ["bars.parquet"]\n'
        "[set.gates]\nvolatility_r2 = [0.4]\n"
        '[[set]]\nname = "other"\ntitle = "nothing"\nfiles = ["*.csv"]\n'
    )
    page = folder / "record" / "page.md"
    page.parent.mkdir()
    served = folder / "record" / "served.json"
    own = ("--sets", str(folder / "sets.toml"), "--out", str(page), "--backtested", str(served))
    code, out, err = _virtuoso(folder, "track-record", str(folder), *own, "--json")
    assert code == 0, err
    document = json.loads(out)
    assert document["absent"] == [{"set": "other", "why": "not in the folder: *.csv"}]
    assert {gate["passed"] for gate in document["gates"]} == {None}, "ten hours make no fit"
    first_ms, last_ms = START_MS + 5 * MINUTE_MS, START_MS + MINUTES * MINUTE_MS
    spanned = {"set": "mine", "title": "ten hours", "since": iso(first_ms), "until": iso(last_ms)}
    assert json.loads(served.read_text())["sets"] == [spanned], "the closes that were judged"
    text = page.read_text()
    assert "| other | nothing | not in the folder: *.csv |" in text
    assert "## Pressure is not a direction" in text
    for line in text.splitlines():
        if line.startswith("!["):
            assert (page.parent / line[line.index("(") + 1 : -1]).read_text().startswith("<svg ")
    code, _, err = _virtuoso(folder, "track-record", str(folder), "--set", "yours")
    assert code == 2
    assert err == "virtuoso: --set yours: there are 2025-05, 2021-04, 2023-02, 2025-02, 2025-H1\n"
    code, out, err = _virtuoso(folder, "track-record", str(folder), "--set", "2025-05")
    assert (code, out) == (2, ""), "nothing that was judged is no pass"
    assert err.endswith(
        f"virtuoso: {folder}: none of the sets is there; "
        "2025-05: not in the folder: binance_usdm_klines_1m_16sym_20250504_20250603.parquet\n"
    )

"""What is held in memory is bounded by a block, not by the file."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.support.bar_files import arrow, made, taken, write_long_csv

SYMBOLS = tuple(f"C{i:02d}USDT" for i in range(25))
DAY = 1_440
MEASURE = """
import sys
from pathlib import Path
import numpy as np
import pyarrow.csv, pyarrow.compute
import pyarrow.parquet as pq
from virtuoso.research.bar_files.bars import read_bars

def peak():  # not ru_maxrss, which a child inherits from its parent
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024

before = peak()
path = Path(sys.argv[2])
if sys.argv[1] == "blocks":
    with read_bars(path) as bars:
        read = sum(int(np.isfinite(block.close).sum()) for block in bars.blocks())
else:
    whole = pq.read_table(path)
    read = whole.num_rows
print(read, peak() - before)
"""


def used(way: str, path: Path) -> tuple[int, float]:
    """Bars read, and the most memory it took above what the libraries take (MiB), in a process of its own."""
    out = subprocess.run(
        [sys.executable, "-c", MEASURE, way, str(path)], capture_output=True, text=True, timeout=100, check=True
    )
    read, mib = out.stdout.split()
    return int(read), float(mib)


def table(days: int, order: str) -> pa.Table:
    """Whole days, sorted as asked."""
    columns = made(SYMBOLS, days * DAY)
    by_symbol = np.arange(days * DAY * len(SYMBOLS)).reshape(-1, len(SYMBOLS)).T.ravel()
    return arrow(taken(columns, by_symbol) if order == "symbol" else columns)


@pytest.mark.slow
@pytest.mark.parametrize("order", ["time", "symbol"])
def test_ten_times_the_parquet_takes_no_more_memory(tmp_path: Path, order: str) -> None:
    """Also when the whole file is one row group; reading it whole, the same measure sees the growth."""
    peaks, whole = [], []
    for days in (10, 100):
        of, path = table(days, order), tmp_path / f"{days}.parquet"
        pq.write_table(of, path, row_group_size=of.num_rows)
        read, peak = used("blocks", path)
        assert read == of.num_rows
        peaks.append(peak)
        whole.append(used("whole", path)[1])
    assert peaks[1] <= 1.2 * peaks[0], peaks
    assert whole[1] > 3 * whole[0], whole


@pytest.mark.slow
def test_ten_times_the_csv_takes_no_more_memory(tmp_path: Path) -> None:
    columns = {days: made(SYMBOLS, days * DAY) for days in (6, 60)}
    peaks = [used("blocks", write_long_csv(tmp_path / f"{days}.csv", of))[1] for days, of in columns.items()]
    assert peaks[1] <= 1.2 * peaks[0], peaks


def json_rows(path: Path, count: int) -> Path:
    """Candles as freqtrade writes them."""
    with path.open("w") as out:
        out.write("[[1609459200000,1.0,2.0,1.0,2.0,5.0]")
        out.writelines(f",[{1_609_459_200_000 + 60_000 * i},1.0,2.0,1.0,2.0,5.25]" for i in range(1, count))
        out.write("]")
    return path


def trades(path: Path, count: int) -> Path:
    """Trades as public.bybit.com has them, two a minute."""
    with path.open("w") as out:
        out.write("id,timestamp,price,volume,side,rpi\n")
        out.writelines(
            f"{i},{1_609_459_200_000 + 30_000 * i},{100 + i % 7}.5,0.0{i % 9 + 1},buy,0\n" for i in range(count)
        )
    return path


@pytest.mark.slow
@pytest.mark.parametrize(("write", "name", "rows"), [(json_rows, "BTCUSDT.json", 1), (trades, "BTCUSDT.csv", 2)])
def test_three_times_the_rows_or_trades_take_no_more_memory(
    tmp_path: Path, write: Callable[[Path, int], Path], name: str, rows: int
) -> None:
    peaks = []
    for count in (500_000, 1_500_000):
        read, peak = used("blocks", write(tmp_path / name, count))
        assert read == count // rows
        peaks.append(peak)
    assert peaks[1] <= 1.2 * peaks[0], peaks

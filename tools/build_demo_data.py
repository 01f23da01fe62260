"""Build the bundled history from the shared data: `python tools/build_demo_data.py DATA_FOLDER OUT_FOLDER`.

Four days of 1-minute bars (the last three are the loop that the embedded exchange plays) and the 24 days before them as
5-minute bars, in integer ticks and lots derived from the data, with the recorded funding. `tools/build_model_data.py` makes
the table of instruments, which comes first.
"""

import csv
import json
import sys
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import zstandard

COARSE_FROM = pd.Timestamp("2025-05-04 16:00", tz="UTC")  # the first whole 4-hour bar
MINUTES_FROM = pd.Timestamp("2025-05-28", tz="UTC")
LOOP_FROM = pd.Timestamp("2025-05-29", tz="UTC")
UNTIL = pd.Timestamp("2025-06-01", tz="UTC")
LEFT_OUT = {"ADAUSDT"}  # its history starts later
COLUMNS = ["open", "high", "low", "close"]


def decimals(values: np.ndarray) -> int:
    """Decimals that hold every value exactly."""
    texts = {repr(float(v)) for v in np.unique(values)}
    return max(0, *(-int(Decimal(t).normalize().as_tuple().exponent) for t in texts))


def integers(values: np.ndarray, places: int) -> np.ndarray:
    scaled = np.rint(values * 10**places).astype(np.int64)
    assert np.array_equal(scaled / 10**places, values), "steps do not hold the data"
    return scaled


def packed(bars: np.ndarray) -> bytes:
    """Columns delta-coded and byte-shuffled, so that they compress well; [t, 5] int64 of o, h, l, c, v."""
    o, h, low, c, v = bars.T
    previous = np.concatenate([[0], c[:-1]])
    columns = np.stack([o - previous, h - np.maximum(o, c), np.minimum(o, c) - low, c - o, v])
    return columns.astype("<i8").view(np.uint8).reshape(5, -1, 8).transpose(0, 2, 1).tobytes()


def steps(known: dict[str, str] | None, tick_places: int, lot_places: int) -> tuple[str, str]:
    """Price and quantity step: Bybit's own where they hold the data, else such as do."""
    tick, lot = Decimal(1).scaleb(-tick_places), Decimal(1).scaleb(-lot_places)
    if known is None:
        return f"{tick:f}", f"{lot:f}"
    own_tick = Decimal(known["tick_size"])
    fits = not own_tick % tick and own_tick <= tick
    return (
        known["tick_size"] if fits else f"{tick:f}",
        known["qty_step"] if Decimal(known["qty_step"]) <= lot else f"{lot:f}",
    )


def rate_text(rate: float) -> str:
    """A funding rate without trailing zeros; zero is `0`."""
    return f"{rate:.8f}".rstrip("0").rstrip(".") or "0"


def main(data: Path, out: Path) -> None:
    frame = pd.read_parquet(data / "binance_usdm_klines_1m_16sym_20250504_20250603.parquet")
    with (out / "instruments.csv").open(newline="") as file:
        known = {line["symbol"]: line for line in csv.DictReader(file) if line["price"]}
    funding = pd.read_csv(data / "binance_usdm_funding_16sym_20250504_20250603.csv")
    ms = {name: int(t.timestamp() * 1000) for name, t in
          {"coarse_from": COARSE_FROM, "minutes_from": MINUTES_FROM, "loop_from": LOOP_FROM, "until": UNTIL}.items()}  # fmt: skip
    meta: dict = {**ms, "symbols": {}}
    blobs = []
    for symbol, all_bars in frame.groupby("symbol"):
        if symbol in LEFT_OUT:
            continue
        bars = all_bars.sort_values("ts")
        bars = bars[(bars["ts"] >= ms["coarse_from"]) & (bars["ts"] < ms["until"])]
        ticks, lots = decimals(bars[COLUMNS].to_numpy().ravel()), decimals(bars["volume"].to_numpy())
        tick_size, qty_step = steps(known.get(symbol), ticks, lots)
        own = -int(Decimal(tick_size).as_tuple().exponent)
        own_lot = max(0, -int(Decimal(qty_step).as_tuple().exponent))
        ticks, lots = max(ticks, own), max(lots, own_lot)
        whole = np.column_stack(
            [
                *(integers(bars[c].to_numpy(float), ticks) for c in COLUMNS),
                integers(bars["volume"].to_numpy(float), lots),
            ]
        )
        fine = whole[bars["ts"].to_numpy() >= ms["minutes_from"]]
        older = whole[bars["ts"].to_numpy() < ms["minutes_from"]]
        assert len(fine) == 4 * 1440 and len(older) % 5 == 0, symbol
        five = older.reshape(-1, 5, 5)
        coarse = np.column_stack(
            [five[:, 0, 0], five[:, :, 1].max(1), five[:, :, 2].min(1), five[:, -1, 3], five[:, :, 4].sum(1)]
        )
        blobs += [packed(coarse), packed(fine)]
        mine = funding[funding["symbol"] == symbol]
        meta["symbols"][symbol] = {
            "price_decimals": ticks,
            "size_decimals": lots,
            "coarse": len(coarse),
            "fine": len(fine),
            "tick_size": tick_size,
            "qty_step": qty_step,
            "funding_min": str(round(mine["ts"].diff().median() / 60_000)),
            "funding": [
                [int(t) // 1000 * 1000, rate_text(r)] for t, r in zip(mine["ts"], mine["funding_rate"], strict=True)
            ],
        }
    out.mkdir(parents=True, exist_ok=True)
    (out / "history.json").write_text(json.dumps(meta, separators=(",", ":")) + "\n")
    (out / "history.bin.zst").write_bytes(zstandard.ZstdCompressor(level=19).compress(b"".join(blobs)))
    for file in ("history.json", "history.bin.zst"):
        print(f"{file}: {(out / file).stat().st_size:,} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

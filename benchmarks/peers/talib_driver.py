"""TA-Lib + pandas per pair, as freqtrade's sample strategy does it: a sample for every line on standard input.

    python talib_driver.py FRAMES

One sample copies and analyses FRAMES DataFrames of 1,000 candles (a pair and timeframe each; freqtrade keeps about as
many) with the indicators of the sample strategy: ADX, RSI, fast stochastic, MACD, MFI, Bollinger bands on the typical
price, SAR, TEMA, Hilbert sine. CPU time of the process.
"""

import json
import sys
import time

import numpy as np
import pandas as pd
import talib.abstract as ta

CANDLES = 1_000


def candles(seed: int) -> pd.DataFrame:
    """A random walk with the columns of a freqtrade candle frame."""
    random = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(random.normal(0.0, 1e-3, CANDLES)))
    opened = np.concatenate([[100.0], close[:-1]])
    reach = np.exp(np.abs(random.normal(0.0, 5e-4, CANDLES)))
    return pd.DataFrame({
        "date": pd.date_range("2026-01-01", periods=CANDLES, freq="1min", tz="UTC"),
        "open": opened,
        "high": np.maximum(opened, close) * reach,
        "low": np.minimum(opened, close) / reach,
        "close": close,
        "volume": random.lognormal(3.0, 0.5, CANDLES),
    })  # fmt: skip


def analyse(frame: pd.DataFrame) -> pd.DataFrame:
    """Add the indicator columns."""
    frame["adx"] = ta.ADX(frame)
    frame["rsi"] = ta.RSI(frame)
    stochastic = ta.STOCHF(frame)
    frame["fastd"], frame["fastk"] = stochastic["fastd"], stochastic["fastk"]
    macd = ta.MACD(frame)
    frame["macd"], frame["macdsignal"], frame["macdhist"] = macd["macd"], macd["macdsignal"], macd["macdhist"]
    frame["mfi"] = ta.MFI(frame)
    typical = (frame["high"] + frame["low"] + frame["close"]) / 3.0
    mean, spread = typical.rolling(20).mean(), 2.0 * typical.rolling(20).std()
    frame["bb_lowerband"], frame["bb_middleband"], frame["bb_upperband"] = mean - spread, mean, mean + spread
    frame["bb_percent"] = (frame["close"] - frame["bb_lowerband"]) / (frame["bb_upperband"] - frame["bb_lowerband"])
    frame["bb_width"] = (frame["bb_upperband"] - frame["bb_lowerband"]) / frame["bb_middleband"]
    frame["sar"] = ta.SAR(frame)
    frame["tema"] = ta.TEMA(frame, timeperiod=9)
    hilbert = ta.HT_SINE(frame)
    frame["htsine"], frame["htleadsine"] = hilbert["sine"], hilbert["leadsine"]
    return frame


def main(frames: int) -> None:
    market = [candles(seed) for seed in range(frames)]
    analyse(market[0].copy())
    for _ in sys.stdin:
        begin = time.process_time()
        for frame in market:
            analyse(frame.copy())
        print(json.dumps({"frame_ms": (time.process_time() - begin) * 1e3 / frames}), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))

"""The model market: exact, deterministic, moved by common causes, and shaped like the real exchange's frames."""

from collections import Counter, defaultdict
from decimal import Decimal
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.wire_shapes import (
    padded_as_captured,
    shaped_as_captured,
)
from typer.testing import CliRunner

from virtuoso.cli.exchange import app
from virtuoso.model.errors import UsageError
from virtuoso.model.quality import DataSource
from virtuoso.simulator.model_market import ModelSource, open_model
from virtuoso.simulator.model_market.factors import CALM, DOWN, UP, VOLATILE, wander
from virtuoso.simulator.model_market.tape import taped
from virtuoso.simulator.rest import answer
from virtuoso.simulator.sources import open_source

MINUTE_MS = 60_000
DAY_MS = 1_440 * MINUTE_MS
START_MS = 1_795_463_400_000
TOPICS = (
    "orderbook.1", "orderbook.50", "orderbook.200", "orderbook.1000", "publicTrade", "tickers", "kline.1", "kline.5",
    "kline.D", "kline.W", "allLiquidation",
)  # fmt: skip
NAMES = ("open", "high", "low", "close", "volume", "turnover")


def topics(symbol: str) -> list[tuple[str, str]]:
    return [("linear", f"{kind}.{symbol}") for kind in TOPICS]


def by_topic(pushes: Any) -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = defaultdict(list)
    for push in pushes:
        found[push.topic].append(push.payload)
    return found


@pytest.fixture(scope="module")
def source() -> ModelSource:
    return open_model(60, 1, START_MS)


@pytest.fixture(scope="module")
def slow_symbol(source: ModelSource) -> str:
    """A symbol beyond the active ones."""
    return str(source.instruments("linear")[55]["symbol"])


def test_seven_hundred_real_instruments() -> None:
    source = open_model(700, 1, START_MS)
    rows = source.instruments("linear")
    names = [row["symbol"] for row in rows]
    assert len(set(names)) == 700
    assert names[:3] == ["BTCUSDT", "ETHUSDT", "SOLUSDT"]
    assert sum(row["quoteCoin"] == "USDT" for row in rows) == 692
    assert {(row["contractType"], row["status"]) for row in rows} == {("LinearPerpetual", "Trading")}
    assert source.instruments("spot") == []
    assert source.origin is DataSource.SYNTHETIC
    tickers = source.tickers("linear")
    assert [row["symbol"] for row in tickers] == names
    for row, instrument in zip(tickers, rows, strict=True):
        tick, lot = Decimal(instrument["priceFilter"]["tickSize"]), Decimal(instrument["lotSizeFilter"]["qtyStep"])
        bid, ask = Decimal(row["bid1Price"]), Decimal(row["ask1Price"])
        assert 0 < bid < ask
        assert bid % tick == ask % tick == Decimal(row["lastPrice"]) % tick == 0
        assert Decimal(row["openInterest"]) % lot == 0
        assert Decimal(row["bid1Size"]) % lot == 0
        assert abs(Decimal(row["fundingRate"])) <= Decimal(instrument["upperFundingRate"])


@pytest.mark.parametrize("universe", [0, 701])
def test_a_universe_that_cannot_be_is_refused(universe: int) -> None:
    with pytest.raises(ValueError, match="1 to 700"):
        open_source("model", 1, START_MS, universe)


@pytest.mark.parametrize(
    "arguments",
    [["--universe", "20"], ["--source", "model", "--universe", "0"], ["--source", "model", "--universe", "701"]],
)
def test_the_command_refuses_a_universe_that_cannot_be(arguments: list[str]) -> None:
    error = CliRunner().invoke(app, arguments).exception
    assert isinstance(error, UsageError)
    assert "--universe" in str(error)
    assert "\n" not in str(error)


@settings(max_examples=12, deadline=None)
@given(steps=st.lists(st.integers(1, 2_500), min_size=1, max_size=30), seed=st.integers(0, 2**31))
def test_chunks_and_other_subscriptions_change_nothing(steps: list[int], seed: int) -> None:
    whole, chunked = open_model(52, seed, START_MS), open_model(700, seed, START_MS)
    slow = str(whole.instruments("linear")[51]["symbol"])
    wanted = [*topics("SOLUSDT"), *topics(slow)]
    end = START_MS + sum(steps)
    expected = by_topic(whole.advance(end, [*topics("BTCUSDT"), *wanted]))
    got: dict[str, list[bytes]] = defaultdict(list)
    at = START_MS
    for step in steps:
        at += step
        pushes = chunked.advance(at, wanted)
        assert [push.at_ms for push in pushes] == sorted(push.at_ms for push in pushes)
        assert all(at - step < push.at_ms <= at for push in pushes)
        for push in pushes:
            got[push.topic].append(push.payload)
    for _, topic in wanted:
        assert got[topic] == expected[topic], topic


def test_midnight_and_the_chunks_about_it_change_nothing() -> None:
    """Days are made one at a time: at their joint nothing jumps, whichever was made first."""
    midnight = START_MS - START_MS % DAY_MS + DAY_MS
    start, end = midnight - 6_000, midnight + 6_000
    whole, chunked, later = (open_model(60, 7, at) for at in (START_MS, START_MS, start))
    wanted = [*topics("SOLUSDT"), *topics(str(whole.instruments("linear")[52]["symbol"]))]
    for source in (whole, chunked):
        source.advance(start, ())
    chunked.klines("linear", "SOLUSDT", "1", "trade", midnight, end)
    expected = by_topic(whole.advance(end, wanted))
    pieces = [push for at in range(start + 20, end + 1, 20) for push in chunked.advance(at, wanted)]
    assert by_topic(pieces) == expected
    assert by_topic(later.advance(end, wanted)) == expected  # the first day is the same
    for symbol in ("SOLUSDT", "BTCUSDT"):
        rows = whole.klines("linear", symbol, "1", "trade", midnight - 3 * MINUTE_MS, end)
        assert len(rows) == 4
        assert all(before[4] == after[1] for before, after in pairwise(rows))


def test_a_topic_that_was_dropped_goes_on_where_time_is() -> None:
    source, other = open_model(2, 1, START_MS), open_model(2, 1, START_MS)
    wanted = topics("BTCUSDT")
    source.advance(START_MS + 1_000, wanted)
    source.advance(START_MS + 50_000, ())
    other.advance(START_MS + 50_000, wanted)
    late = source.advance(START_MS + 61_000, wanted)
    assert late == other.advance(START_MS + 61_000, wanted)
    assert min(push.at_ms for push in late) > START_MS + 50_000


def test_the_seed_makes_the_market() -> None:
    first, again, other = (
        by_topic(open_model(1, s, START_MS).advance(START_MS + 3_000, topics("BTCUSDT"))) for s in (1, 1, 2)
    )
    assert first == again
    assert first["orderbook.50.BTCUSDT"] != other["orderbook.50.BTCUSDT"]


@st.composite
def bars(draw: st.DrawFn) -> list[int]:
    """Any bar the model may have: at least 48 lots, its mean price 0.3 to 0.7 of the way from low to high."""
    low, opened, closed, high = sorted(draw(st.lists(st.integers(20, 10**6), min_size=4, max_size=4)))
    opened, closed = draw(st.permutations([opened, closed]))
    low, high = draw(st.sampled_from([(low, high), (min(opened, closed), max(opened, closed)), (low, low + 1)]))
    if high == low + 1:
        opened = closed = low
    volume = draw(st.integers(48, 10**7))
    share = draw(st.floats(0.3, 0.7))
    return [opened, high, low, closed, volume, low * volume + round(share * (high - low) * volume)]


@settings(max_examples=300, deadline=None)
@given(bar=bars(), count=st.floats(6, 3_000), key=st.integers(0, 2**60))
def test_trades_of_any_bar_add_up(bar: list[int], count: float, key: int) -> None:
    opened, high, low, closed, volume, turnover = bar
    tape = taped(bar, count, volume, key)
    assert (tape.ticks[0], max(tape.ticks), min(tape.ticks), tape.ticks[-1]) == (opened, high, low, closed)
    assert min(tape.lots) >= 1
    assert sum(tape.lots) == tape.volumes[-1] == volume
    assert sum(p * q for p, q in zip(tape.ticks, tape.lots, strict=True)) == tape.turnovers[-1] == turnover
    assert list(tape.at_ms) == sorted(tape.at_ms)
    assert 0 <= tape.at_ms[0] <= tape.at_ms[-1] < MINUTE_MS


@pytest.mark.parametrize("number", [0, 2, 30, 55, 59])
def test_bars_pushed_are_their_trades_and_the_bars_told_later(number: int) -> None:
    source = open_model(60, 1, START_MS)
    symbol = source.instruments("linear")[number]["symbol"]
    start = START_MS - START_MS % MINUTE_MS + 9 * DAY_MS
    source.advance(start - 1, ())
    wanted = [("linear", f"publicTrade.{symbol}"), ("linear", f"kline.1.{symbol}")]  # of one ms, trades first
    confirmed, traded, forming = {}, defaultdict(list), 0
    for push in source.advance(start + 3 * MINUTE_MS + 500, wanted):
        for row in msgspec.json.decode(push.payload)["data"]:
            if "S" in row:
                traded[row["T"] // MINUTE_MS * MINUTE_MS].append(row)
            elif row["confirm"]:
                confirmed[row["start"]] = row
            elif row["start"] in traded:
                forming += 1
                assert Decimal(row["volume"]) == sum(Decimal(t["v"]) for t in traded[row["start"]])
                assert Decimal(row["close"]) == Decimal(traded[row["start"]][-1]["p"])
    assert forming > 20
    rows = source.klines("linear", symbol, "1", "trade", start, start + 2 * MINUTE_MS)
    assert [int(row[0]) for row in rows] == [start + i * MINUTE_MS for i in range(3)]
    for row in rows:
        assert row[1:] == [confirmed[int(row[0])][name] for name in NAMES]
        prices = [Decimal(t["p"]) for t in traded[int(row[0])]]
        sizes = [Decimal(t["v"]) for t in traded[int(row[0])]]
        assert [Decimal(text) for text in row[1:]] == [
            prices[0], max(prices), min(prices), prices[-1], sum(sizes),
            sum(p * q for p, q in zip(prices, sizes, strict=True)),
        ]  # fmt: skip
    recent = source.trades("linear", symbol, 40)
    pushed = [row for minute in sorted(traded) for row in traded[minute]][-40:]
    assert [(t["execId"], t["price"], t["size"], t["side"], int(t["time"])) for t in recent] == [
        (t["i"], t["p"], t["v"], t["S"], t["T"]) for t in pushed
    ]


@pytest.mark.parametrize("interval", ["3", "5", "15", "30", "60", "120", "240", "360", "720", "D", "W"])
def test_every_interval_is_made_of_minutes(interval: str) -> None:
    now_ms = START_MS + 100_000
    source = open_model(2, 1, now_ms)
    length = {"D": DAY_MS, "W": 7 * DAY_MS}.get(interval) or int(interval) * MINUTE_MS
    offset = 4 * DAY_MS if interval == "W" else 0
    forming = now_ms - (now_ms - offset) % length
    whole, last = source.klines("linear", "ETHUSDT", interval, "trade", forming - length, now_ms)
    assert (int(whole[0]), int(last[0])) == (forming - length, forming)
    for row, until in ((whole, forming - 1), (last, now_ms)):
        parts = source.klines("linear", "ETHUSDT", "1", "trade", int(row[0]), until)
        assert row[1] == parts[0][1]
        assert row[4] == parts[-1][4]
        assert Decimal(row[2]) == max(Decimal(p[2]) for p in parts)
        assert Decimal(row[3]) == min(Decimal(p[3]) for p in parts)
        for column in (5, 6):
            assert Decimal(row[column]) == sum(Decimal(p[column]) for p in parts)
    assert last[1] == whole[4]


def test_history_reaches_back_and_has_no_jump(source: ModelSource) -> None:
    rows = source.klines("linear", "SOLUSDT", "60", "trade", START_MS - 45 * DAY_MS, START_MS)
    assert len(rows) == 45 * 24 or len(rows) == 45 * 24 + 1
    assert all(before[4] == after[1] for before, after in pairwise(rows))
    moves = [abs(float(row[4]) / float(row[1]) - 1) for row in rows]
    assert max(moves) < 0.15
    assert np.median(moves) > 0.001
    assert len(source.klines("linear", "SOLUSDT", "W", "trade", 0, START_MS)) >= 10
    for price in ("mark", "index", "premium"):
        derived = source.klines("linear", "SOLUSDT", "60", price, START_MS - DAY_MS, START_MS)
        assert [row[0] for row in derived] == [row[0] for row in rows[-len(derived) :]]
        assert {len(row) for row in derived} == {5}


def test_far_ahead_the_market_still_moves() -> None:
    source = open_model(3, 5, START_MS)
    later = START_MS + 400 * DAY_MS
    source.advance(later, ())
    rows = source.klines("linear", "BTCUSDT", "D", "trade", later - 30 * DAY_MS, later)
    assert len(rows) >= 30
    assert 0.05 < float(rows[-1][4]) / 42_629.9 < 20


@pytest.fixture(scope="module")
def pushed() -> dict[str, list[dict[str, Any]]]:
    """75 seconds of every topic of one symbol, with the first frames of a subscription."""
    source = open_model(60, 1, START_MS)
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for category, topic in topics("BTCUSDT"):
        if (frame := source.snapshot(category, topic)) is not None:
            found[topic].append(msgspec.json.decode(frame))
    for push in source.advance(START_MS + 75_000, topics("BTCUSDT")):
        found[push.topic].append(msgspec.json.decode(push.payload))
    return found


def test_every_frame_has_the_captures_shape(pushed: dict[str, list[dict[str, Any]]]) -> None:
    shaped_as_captured(pushed)


def test_strings_are_padded_as_the_captures_are(pushed: dict[str, list[dict[str, Any]]]) -> None:
    padded_as_captured(pushed, "BTCUSDT")


@pytest.mark.parametrize("depth", [50, 200, 1000])
@pytest.mark.parametrize("number", [0, 1, 4, 40, 55])
def test_books_follow_their_deltas_never_cross_and_are_what_rest_tells(depth: int, number: int) -> None:
    source = open_model(60, 1, START_MS)
    symbol = source.instruments("linear")[number]["symbol"]
    topic = ("linear", f"orderbook.{depth}.{symbol}")
    frame = source.snapshot(*topic)
    assert frame is not None
    first = msgspec.json.decode(frame)
    book = {side: dict(first["data"][side]) for side in "ba"}
    update_id, at_ms, seen = first["data"]["u"], START_MS, 0
    while at_ms < START_MS + 9_000:
        at_ms += 450
        for push in source.advance(at_ms, [topic]):
            message = msgspec.json.decode(push.payload)
            data = message["data"]
            seen += 1
            assert (message["type"], data["u"]) == ("delta", update_id + 1)
            assert data["b"] or data["a"]
            update_id += 1
            for side in "ba":
                for price, size in data[side]:
                    if size == "0":
                        del book[side][price]
                    else:
                        assert book[side].get(price) != size
                        book[side][price] = size
            assert len(book["a"]) == depth
            assert len(book["b"]) <= depth
            assert max(map(float, book["b"])) < min(map(float, book["a"]))
        told = source.orderbook("linear", symbol, depth)
        assert told is not None
        assert (told["u"], dict(told["b"]), dict(told["a"])) == (update_id, book["b"], book["a"])
        assert [float(level[0]) for level in told["b"]] == sorted(map(float, book["b"]), reverse=True)
        assert [float(level[0]) for level in told["a"]] == sorted(map(float, book["a"]))
    assert seen >= 44


def test_level_one_is_pushed_when_it_changes_and_again_after_three_seconds(source: ModelSource) -> None:
    found = 0
    for row in source.instruments("linear")[40:60]:
        feed = open_model(60, 1, START_MS)
        topic = f"orderbook.1.{row['symbol']}"
        frames = [msgspec.json.decode(p.payload) for p in feed.advance(START_MS + 60_000, [("linear", topic)])]
        assert {message["type"] for message in frames} == {"snapshot"}
        for before, after in pairwise(frames):
            same = all(before["data"][side] == after["data"][side] for side in "ba")
            assert (after["data"]["u"] == before["data"]["u"]) == same
            found += same
            assert after["cts"] - before["cts"] == 3_000 if same else after["cts"] - before["cts"] <= 3_000
    assert found


def test_tickers_follow_their_deltas(slow_symbol: str) -> None:
    for symbol, least in (("BTCUSDT", 60), (slow_symbol, 8)):
        source = open_model(60, 1, START_MS)
        topic = ("linear", f"tickers.{symbol}")
        frame = source.snapshot(*topic)
        assert frame is not None
        fields = msgspec.json.decode(frame)["data"]
        frames = source.advance(START_MS + 10_000, [topic])
        assert len(frames) >= least
        for push in frames:
            difference = msgspec.json.decode(push.payload)["data"]
            assert all(fields[name] != value for name, value in difference.items() if name != "symbol")
            fields |= difference
        (told,) = [row for row in source.tickers("linear") if row["symbol"] == symbol]
        assert {name: told[name] for name in fields if name != "tickDirection"} == {
            name: value for name, value in fields.items() if name != "tickDirection"
        }
        day = source.klines("linear", symbol, "1", "trade", START_MS - DAY_MS, START_MS + 10_000)
        assert Decimal(told["highPrice24h"]) == max(Decimal(row[2]) for row in day)
        before = [t for t in source.trades("linear", symbol, 1000) if int(t["time"]) <= frames[-1].at_ms]
        assert told["lastPrice"] == before[-1]["price"]


def test_symbols_follow_the_market(source: ModelSource) -> None:
    def returns(symbol: str) -> Any:
        rows = source.klines("linear", symbol, "5", "trade", START_MS - 3 * DAY_MS, START_MS)
        return np.diff(np.log([float(row[4]) for row in rows]))

    bitcoin = returns("BTCUSDT")
    found = {
        row["symbol"]: np.corrcoef(bitcoin, returns(row["symbol"]))[0, 1]
        for row in source.instruments("linear")[1:]
        if row["symbolType"] not in {"stock", "commodity"}
    }
    assert min(found.values()) > 0.1
    assert 0.3 < np.median(list(found.values())) < 0.9


def test_regimes_come_go_and_show_in_the_prices(source: ModelSource) -> None:
    hours = range(START_MS // 3_600_000 - 60 * 24, START_MS // 3_600_000)
    states = [source.regimes.at_hour(hour) for hour in hours]
    counts = Counter(states)
    assert set(counts) == {CALM, UP, DOWN, VOLATILE}
    changes = sum(a != b for a, b in pairwise(states))
    assert 3 < len(states) / (changes + 1) < 9  # dwells for hours
    rows = source.klines("linear", "BTCUSDT", "60", "trade", hours[0] * 3_600_000, hours[-1] * 3_600_000)
    moves = defaultdict(list)
    for row, state in zip(rows, states, strict=True):
        moves[state].append(np.log(float(row[4]) / float(row[1])))
    assert np.mean(moves[UP]) > 0.001 > -0.001 > np.mean(moves[DOWN])
    assert np.std(moves[VOLATILE]) > 2 * np.std(moves[CALM])


def test_volatility_clusters(source: ModelSource) -> None:
    rows = source.klines("linear", "SOLUSDT", "1", "trade", START_MS - 5 * DAY_MS, START_MS)
    size = np.abs(np.diff(np.log([float(row[4]) for row in rows])))
    clipped = np.minimum(size, np.quantile(size, 0.99))
    for lag in (1, 5, 20):
        assert np.corrcoef(clipped[lag:], clipped[:-lag])[0, 1] > 0.08


def test_trades_have_heavy_tails_and_come_in_clusters(pushed: dict[str, list[dict[str, Any]]]) -> None:
    rows = [row for message in pushed["publicTrade.BTCUSDT"] for row in message["data"]]
    sizes = np.array([float(row["v"]) for row in rows])
    assert sizes.max() > 20 * np.median(sizes)
    gaps = np.diff([row["T"] for row in rows])
    assert gaps.std() > 1.2 * gaps.mean()
    assert {row["S"] for row in rows} == {"Buy", "Sell"}
    assert len({row["i"] for row in rows}) == len(rows)


def test_a_fall_liquidates_longs() -> None:
    """Rule of the wire: `S` is the position's side; a position is liquidated against the move of its minute."""
    feed = open_model(20, 1, START_MS)
    names = [row["symbol"] for row in feed.instruments("linear")]
    rows = []
    for push in feed.advance(START_MS + 90 * MINUTE_MS, [("linear", f"allLiquidation.{name}") for name in names]):
        (row,) = msgspec.json.decode(push.payload)["data"]
        open_ms = row["T"] // MINUTE_MS * MINUTE_MS
        (bar,) = feed.klines("linear", row["s"], "1", "trade", open_ms, open_ms)
        fell = Decimal(row["p"]) < Decimal(bar[1])  # the bankruptcy price is past the market, with the move
        assert row["S"] == ("Buy" if fell else "Sell")
        extreme = Decimal(bar[3] if fell else bar[2])
        assert abs(extreme / Decimal(bar[1]) - 1) >= Decimal("0.0025")
        rows.append(row)
    assert {row["S"] for row in rows} == {"Buy", "Sell"}


def test_slow_series_follow_the_moves(source: ModelSource) -> None:
    day = START_MS - START_MS % DAY_MS
    rates, trends = [], []
    for back in range(1, 50):
        at = day - back * DAY_MS
        (row,) = source.funding("linear", "SOLUSDT", at, at)
        (bar,) = source.klines("linear", "SOLUSDT", "D", "trade", at - DAY_MS, at - DAY_MS)
        rates.append(float(row["fundingRate"]))
        trends.append(float(bar[4]) / float(bar[1]) - 1)
    assert np.corrcoef(rates, trends)[0, 1] > 0.5
    assert len(set(rates)) > 30
    rows = source.open_interest("linear", "SOLUSDT", "1h", START_MS - 10 * DAY_MS, START_MS)
    assert len(rows) == 240 or len(rows) == 241
    interest = [float(row["openInterest"]) for row in rows]
    bars = source.klines("linear", "SOLUSDT", "60", "trade", int(rows[0]["timestamp"]) - 3_600_000, START_MS)
    moves = [abs(float(bar[4]) / float(bar[1]) - 1) for bar in bars[: len(interest)]]
    assert np.corrcoef(interest, moves)[0, 1] > 0.15
    for row in source.account_ratio("linear", "SOLUSDT", "1h", START_MS - DAY_MS, START_MS):
        assert Decimal(row["buyRatio"]) + Decimal(row["sellRatio"]) == 1


def test_topics_are_known_or_not(source: ModelSource) -> None:
    assert all(source.knows(*key) for key in topics("BTCUSDT"))
    for topic in ("orderbook.25.BTCUSDT", "orderbook.050.BTCUSDT", "tickers.NOPE", "kline.2.BTCUSDT", "x.BTCUSDT", ""):
        assert not source.knows("linear", topic), topic
    assert not source.knows("spot", "tickers.BTCUSDT")
    assert source.snapshot("spot", "tickers.BTCUSDT") is None
    assert source.restarts_at() is None


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("instruments-info", {}), ("tickers", {}), ("orderbook", {"limit": "1000"}), ("kline", {"interval": "W"}),
        ("recent-trade", {"limit": "1000"}), ("mark-price-kline", {"interval": "5"}), ("funding/history", {}),
        ("index-price-kline", {"interval": "5"}), ("premium-index-price-kline", {"interval": "D"}),
        ("open-interest", {"intervalTime": "5min"}), ("account-ratio", {"period": "1h"}),
    ],
)  # fmt: skip
def test_every_question_has_an_answer(source: ModelSource, slow_symbol: str, path: str, query: dict[str, str]) -> None:
    asked = {"category": "linear", "symbol": slow_symbol, **query}
    body = answer(source, f"/v5/market/{path}", asked, START_MS)
    assert body["retCode"] == 0
    result = body["result"]
    if path == "orderbook":
        assert (len(result["b"]), len(result["a"])) == (1000, 1000)
    elif path in {"instruments-info", "tickers"}:
        assert [row["symbol"] for row in result["list"]] == [slow_symbol]
    else:
        assert len(result["list"]) >= 10
        if path == "recent-trade":
            assert len(result["list"]) == 1000
    assert msgspec.json.encode(body)


def test_what_is_not_wanted_is_not_made() -> None:
    source = open_model(700, 1, START_MS)
    source.advance(START_MS + 120_000, [("linear", "tickers.ETHUSDT")])
    assert set(source._symbols) == {"ETHUSDT"}


@given(st.integers(0, 2**64 - 1), st.floats(-1e6, 1e6))
def test_wander_is_bounded_and_the_same_alone_or_in_company(key: int, position: float) -> None:
    alone = wander(key, np.array([position]))[0]
    assert -1 <= alone <= 1
    assert wander(key, np.array([position - 7.3, position]))[1] == alone

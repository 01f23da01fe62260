"""The workload is what its page says: real frames, the right mix, gapless, and an end state that is right."""

import json
from collections import Counter

import msgspec
import pytest
from benchmarks import workload
from benchmarks.drivers import ours
from benchmarks.ingest import check
from benchmarks.sender import on_the_wire

from virtuoso.exchange.bybit import wire

PASSES = 2


@pytest.fixture(scope="module")
def mixed():
    mixer = workload.Mixer(workload.read_capture(workload.CAPTURE))
    frames = [frame for number in range(PASSES) for frame in mixer.one_pass(number)]
    return frames, [json.loads(frame) for frame in frames], mixer.expected()


def kind(message):
    return message["topic"].partition(".")[0]


def test_mix_is_60_20_20_apart_from_the_snapshots(mixed):
    _, messages, expected = mixed
    counts = Counter(kind(m) for m in messages if not (m["type"] == "snapshot" and kind(m) != "publicTrade"))
    total = sum(counts.values())
    assert counts["orderbook"] / total == pytest.approx(0.6, abs=0.002)
    assert counts["publicTrade"] / total == pytest.approx(0.2, abs=0.002)
    assert counts["tickers"] / total == pytest.approx(0.2, abs=0.002)
    assert expected["messages"] == len(messages) == total + PASSES * 8


def test_update_ids_rise_by_one_and_times_never_fall(mixed):
    _, messages, _ = mixed
    last = dict.fromkeys(workload.SYMBOLS, 0)
    for message in messages:
        if kind(message) == "orderbook":
            assert message["data"]["u"] == last[message["data"]["s"]] + 1
            last[message["data"]["s"]] += 1
    times = [message["ts"] for message in messages]
    assert times == sorted(times)
    assert workload.PASS_MS * PASSES - 100 < times[-1] - times[0] < workload.PASS_MS * PASSES


def test_trade_ids_are_never_repeated(mixed):
    _, messages, _ = mixed
    ids = [row["i"] for message in messages if kind(message) == "publicTrade" for row in message["data"]]
    assert len(ids) == len(set(ids)) > 1_000
    assert {len(trade_id) for trade_id in ids} == {36}


def test_frames_keep_the_recorded_form(mixed):
    frames, messages, _ = mixed
    recorded = workload.read_capture(workload.CAPTURE)
    assert {tuple(m) for m in messages if kind(m) == "orderbook"} == {tuple(m) for m in recorded.book}
    assert all(frame.startswith(b'{"topic":"') and b": " not in frame for frame in frames)
    trades = [m for m in messages if kind(m) == "publicTrade"]
    assert {len(m["data"]) for m in trades} == {len(m["data"]) for m in recorded.trade}


def test_the_production_state_ends_as_expected(mixed):
    frames, _, expected = mixed
    _, stream, market = ours.make(port=9)
    (connection,) = stream._connections
    for frame in frames:
        connection.handlers[frame[10 : frame.find(b'"', 10)]](frame, 0)
    answer = {"messages": ours.messages(stream), "symbols": ours.states(market)}
    check("virtuoso", answer, expected)
    assert expected["symbols"]["BTCUSDT"]["levels"] == [200, 200]
    assert expected["symbols"]["BTCUSDT"]["bid"] == [65114.2, 5.974]


def test_a_receiver_that_lost_a_message_or_a_level_is_caught(mixed):
    *_, expected = mixed
    right = {"symbols": {s: {"size": state["size"]} for s, state in expected["symbols"].items()}}
    check("right", right, expected)
    with pytest.raises(SystemExit, match="processed"):
        check("lossy", {**right, "messages": expected["messages"] - 1}, expected)
    right["symbols"]["ETHUSDT"]["size"] = [value + 0.1 for value in right["symbols"]["ETHUSDT"]["size"]]
    with pytest.raises(SystemExit, match="size of ETHUSDT"):
        check("wrong", right, expected)


def test_wire_frames_are_unmasked_text_of_any_length():
    for size, head in ((5, 2), (125, 2), (126, 4), (65_535, 4), (65_536, 10)):
        frame = on_the_wire(b"x" * size)
        assert frame[0] == 0x81
        assert frame[1] & 0x80 == 0
        assert len(frame) == head + size
    assert int.from_bytes(on_the_wire(b"x" * 70_000)[2:10]) == 70_000


def test_every_frame_decodes_as_the_production_type(mixed):
    frames, messages, _ = mixed
    types = {"orderbook": wire.BookMessage, "publicTrade": wire.TradeMessage, "tickers": wire.TickerMessage}
    for frame, message in zip(frames, messages, strict=True):
        decoded = msgspec.json.decode(frame, type=types[kind(message)], strict=False)
        assert decoded.ts == message["ts"]

"""What each fault does to frames, lists and files: exactly that, and nothing else."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from virtuoso.model.errors import UsageError
from virtuoso.simulator.faults import COUNTED, Fault, Faults
from virtuoso.simulator.listing import Listing
from virtuoso.simulator.scenario import read_scenario
from virtuoso.simulator.sources import open_source
from virtuoso.simulator.weather import Weather

TOPIC, OTHER = "orderbook.50.BTCUSDT", "orderbook.50.ETHUSDT"
START_MS = 1_786_310_820_000


def delta(update_id: int, topic: str = TOPIC) -> bytes:
    data = {"s": topic[13:], "b": [["10.0", "1"]], "a": [["11.0", "2"]], "u": update_id, "seq": update_id}
    return msgspec.json.encode({"topic": topic, "type": "delta", "ts": START_MS, "data": data, "cts": START_MS})


class Played:
    """Frames of a book of ten updates, under one fault."""

    def __init__(self, **fault: Any) -> None:
        self.faults = Faults()
        self.weather = Weather(self.faults)
        self.faults.order(Fault(**fault), 0.0)

    def updates(self, topic: str = TOPIC) -> list[int]:
        return [message["data"]["u"] for message in self.messages(topic)]

    def messages(self, topic: str = TOPIC) -> list[Any]:
        sent = (frame for u in range(2, 8) for frame in self.weather.frames(topic, delta(u, topic), 1.0))
        return [msgspec.json.decode(frame) for frame in sent]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("drop_delta", [3, 4, 5, 6, 7]),
        ("duplicate_delta", [2, 2, 3, 4, 5, 6, 7]),
        ("reorder_delta", [3, 2, 4, 5, 6, 7]),
        ("mute_topic", []),
    ],
)
def test_sequence_faults_hit_one_topic_alone(kind: str, expected: list[int]) -> None:
    played = Played(fault=kind, topic=TOPIC)
    assert played.updates() == expected
    assert Played(fault=kind, topic=TOPIC).updates(OTHER) == [2, 3, 4, 5, 6, 7]
    assert (kind in COUNTED) == (played.faults.state(1.0) == [])  # a counted fault is over when it has hit


def test_a_crossed_delta_is_crossed_once() -> None:
    messages = Played(fault="cross_delta", topic=TOPIC).messages()
    assert [float(m["data"]["b"][0][0]) > float(m["data"]["a"][0][0]) for m in messages] == [True] + [False] * 5


def test_a_restarted_book_counts_from_one() -> None:
    weather = Weather(Faults())
    first = msgspec.json.decode(weather.restarted(TOPIC, delta(41)))
    later = [msgspec.json.decode(weather.frames(TOPIC, delta(u), 1.0)[0])["data"]["u"] for u in (42, 43)]
    assert (first["data"]["u"], later) == (1, [2, 3])


def test_frozen_and_skewed_clocks() -> None:
    frozen = Played(fault="frozen_time")
    answer = b'{"retCode":0,"result":{"timeNano":"1786310820000000000"},"time":1786310820000}'
    told = msgspec.json.decode(frozen.weather.timed(answer, 3.0))
    assert told["time"] == START_MS - 3_000
    assert told["result"]["timeNano"] == f"{START_MS - 3_000}000000"
    assert {m["ts"] for m in Played(fault="clock_skew", skew_ms=5_000).messages()} == {START_MS + 5_000}


def test_numbers_go_missing_and_names_stay() -> None:
    ticker = {"topic": "tickers.BTCUSDT", "ts": 1, "data": {"symbol": "BTCUSDT", "lastPrice": "1.5", "markPrice": "2"}}
    body = msgspec.json.encode(ticker)
    empty = Played(fault="empty_numbers", topic="tickers.*").weather.frames("tickers.BTCUSDT", body, 1.0)[0]
    gone = Played(fault="missing_numbers", topic="tickers.*").weather.frames("tickers.BTCUSDT", body, 1.0)[0]
    assert msgspec.json.decode(empty)["data"] == {"symbol": "BTCUSDT", "lastPrice": "", "markPrice": ""}
    assert msgspec.json.decode(gone)["data"] == {"symbol": "BTCUSDT"}


def test_damaged_frames_are_not_json() -> None:
    for kind in ("truncated", "malformed"):
        for frame in Played(fault=kind).weather.frames(TOPIC, delta(2), 1.0):
            with pytest.raises(msgspec.DecodeError):
                msgspec.json.decode(frame)


def test_symbols_come_go_and_are_renamed() -> None:
    faults = Faults()
    listing = Listing(open_source("history", 1, START_MS), faults, lambda: 1.0)
    before = {row["symbol"] for row in listing.instruments("linear")}
    faults.order(Fault(fault="delist", symbol="XRPUSDT"), 0.0)
    faults.order(Fault(fault="rename", symbol="LAYERUSDT", to="LAYER2USDT"), 0.0)
    faults.order(Fault(fault="list", symbol="SOLUSDT", to="NEWUSDT"), 0.0)
    after = {row["symbol"] for row in listing.instruments("linear")}
    assert before - after == {"XRPUSDT", "LAYERUSDT"}
    assert after - before == {"LAYER2USDT", "NEWUSDT"}
    assert not listing.knows("linear", "publicTrade.XRPUSDT")
    assert listing.knows("linear", "publicTrade.NEWUSDT")
    pushes = list(
        listing.advance(START_MS + 60_000, [("linear", "publicTrade.NEWUSDT"), ("linear", "tickers.XRPUSDT")])
    )
    assert {push.topic for push in pushes} == {"publicTrade.NEWUSDT"}
    assert {row["s"] for push in pushes for row in msgspec.json.decode(push.payload)["data"]} == {"NEWUSDT"}


def test_a_subscriber_to_a_name_that_is_gone_again_hears_nothing() -> None:
    faults = Faults()
    listing = Listing(open_source("history", 1, START_MS), faults, lambda: 1.0)
    faults.order(Fault(fault="list", symbol="SOLUSDT", to="NEWUSDT"), 0.0)
    wanted = [("linear", "publicTrade.NEWUSDT"), ("linear", "publicTrade.SOLUSDT")]
    assert {push.topic for push in listing.advance(START_MS + 60_000, wanted)} == {topic for _, topic in wanted}
    faults.clear()
    assert {push.topic for push in listing.advance(START_MS + 120_000, wanted)} == {"publicTrade.SOLUSDT"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("steps: [{at: 5, fault: mut}]", "step 1: no fault 'mut'; there are: ban"),
        ("steps: [{at: 5, fault: mute_topic}]", "step 1: mute_topic needs topic"),
        ("steps: [{fault: mute}]", "step 1: must have `at`"),
        ("steps: [{at: 5, fault: mute, foor_s: 3}]", "step 1: Object contains unknown field `foor_s`"),
        ("a: 1", "must hold `steps:`"),
        ("[", "not YAML"),
    ],
)
def test_a_wrong_scenario_is_one_clear_line(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "day.yaml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        read_scenario(path)
    assert said in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_steps_are_played_in_order_of_time(tmp_path: Path) -> None:
    path = tmp_path / "day.yaml"
    path.write_text("steps: [{at: 9, fault: disconnect}, {at: 2.5, fault: mute, for_s: 4}]")
    assert [(at, fault.fault) for at, fault in read_scenario(path)] == [(2.5, "mute"), (9.0, "disconnect")]

"""Columns give back every record to the byte, and take half of what the records take packed as they are."""

from functools import lru_cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from virtuoso.recording.blocks import Packer
from virtuoso.recording.columns import Columns, DamagedError, directory, unpack
from virtuoso.recording.numbers import gathered, spread, texts, whole
from virtuoso.recording.records import Answer, Frame, Record, encode
from virtuoso.simulator.history import open_history

_NUMBERS = st.one_of(
    st.from_regex(r"-?(0|[1-9]\d{0,19})(\.\d{1,9})?", fullmatch=True),
    st.sampled_from(["-0", "0.00", "-0.0", "1e5", "", "007", "01.5", "-", "Buy"]),
)
_PRICES = st.decimals(0, 10**6, places=2).map(str) | st.just("0")


def _book(levels: list[tuple[str, str]], topic: str, at: int) -> bytes:
    rows = ",".join(f'["{price}","{size}"]' for price, size in levels)
    return f'{{"topic":"{topic}","ts":{at},"data":{{"b":[{rows}],"a":[],"u":{at % 7}}},"share":"50%"}}'.encode()


_frames = st.one_of(
    st.builds(_book, st.lists(st.tuples(_NUMBERS, _NUMBERS), max_size=5), st.just("orderbook.50.A"), st.integers(0, 9)),
    st.builds(_book, st.lists(st.tuples(_PRICES, _PRICES), max_size=40), st.just("orderbook.50.B"), st.integers(0)),
    st.binary(max_size=60),
    st.lists(_NUMBERS, max_size=30).map(lambda each: f"[{','.join(each)}]".encode()),
)
_records: st.SearchStrategy[Record] = st.one_of(
    st.builds(Frame, st.integers(-(2**63), 2**64 - 1), st.integers(0, 2**40), _frames),
    st.builds(Answer, st.integers(0), st.integers(0), st.just("/"), st.just({}), st.just(200), st.binary(max_size=9)),
).filter(lambda record: not isinstance(record, Answer) or max(record.received_ns, record.sent_ns) < 2**64)


def packed(records: list[Record]) -> tuple[bytes, bytes]:
    """The data of a block, and the records' own bytes."""
    columns = Columns()
    for record in records:
        columns.add(record, encode(record))
    return columns.pack(), b"".join(encode(record) for record in records)


@given(records=st.lists(_records, max_size=25))
@settings(max_examples=150)
def test_what_is_put_comes_back_to_the_byte(records: list[Record]) -> None:
    data, raw = packed(records)
    assert unpack(data, 1 << 24) == raw
    holds = directory(data)[0].holds
    assert (holds.records, holds.raw) == (len(records), len(raw))


@given(numbers=st.lists(_PRICES | st.integers(-(10**9), 10**9).map(str), min_size=1, max_size=60))
@settings(max_examples=150)
def test_numbers_are_written_as_they_were(numbers: list[str]) -> None:
    tokens = [number.encode() for number in numbers]
    if (found := whole(tokens)) is not None:
        form, planes = spread(found[0], found[2], bare_zero=found[1])
        assert texts(form.decimals, gathered(form, list(planes)), bare_zero=form.bare_zero) == tokens


def test_numbers_of_several_forms_are_kept_as_text() -> None:
    assert whole([b"1.5", b"2"]) is None
    assert whole([b"0.0", b"0", b"1.5"]) is None
    assert whole([b"-0", b"1"]) is None
    assert whole([b"007", b"1"]) is None
    assert whole([b"123456789012345678901"]) is None
    found = whole([b"0", b"1.5"])
    assert found is not None
    assert (found[0], found[1], found[2].tolist()) == (1, True, [0, 15])


@lru_cache(1)
def demo(seconds: int) -> list[Record]:
    """Frames of the bundled market, as the demo records them."""
    start_ms = 1_795_463_400_000
    source = open_history(1, start_ms)
    source.advance(start_ms, ())
    names = [row["symbol"] for row in source.instruments("linear")][:4]
    kinds = ("orderbook.50.", "tickers.", "publicTrade.", "kline.1.", "allLiquidation.")
    topics = [("linear", kind + name) for kind in kinds for name in names]
    return [
        Frame(push.at_ms * 1_000_000 + 71, 1, push.payload)
        for push in source.advance(start_ms + seconds * 1_000, topics)
    ]


def test_the_demo_takes_less_than_half_and_comes_back() -> None:
    records = demo(30)
    data, raw = packed(records)
    assert unpack(data, 1 << 24) == raw
    plain = 0
    packer = Packer()
    for begin in range(0, len(records), len(records) // 60):  # a block each half second, as the first version had
        packer.add(b"".join(encode(record) for record in records[begin : begin + len(records) // 60]))
        plain += len(packer.block())
    assert len(data) < 0.4 * plain
    assert directory(data)[0].holds.symbols == sorted({topic.rpartition(".")[2] for topic in topics_of(records)})


def topics_of(records: list[Record]) -> list[str]:
    return [record.payload.split(b'"', 4)[3].decode() for record in records if isinstance(record, Frame)]


def test_columns_that_were_changed_are_refused() -> None:
    data, raw = packed(demo(30)[:200])
    for at in (2, 20, len(data) // 2, len(data) - 3):
        changed = data[:at] + bytes([data[at] ^ 0x41]) + data[at + 1 :]
        with pytest.raises(DamagedError):
            unpack(changed, 1 << 24)
    with pytest.raises(DamagedError, match="longer than what they hold"):
        unpack(data, 100)
    assert unpack(data, 1 << 24) == raw

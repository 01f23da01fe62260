"""Line protocol against a strict parser written from InfluxData's description of it, not from our encoder."""

import math
import string
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.influx import known

from virtuoso.storage.timeseries.influx.lines import LineEncoder, split_lines
from virtuoso.storage.timeseries.schema import BARS, FEEDS, MEASUREMENTS, Measurement

Point = tuple[str, dict[str, str], dict[str, Any], int]


def _token(text: str, at: int, stops: str) -> tuple[str, int]:
    """Up to the first bare stop; a backslash takes effect before `,`, `=` and space only."""
    out = []
    while at < len(text) and text[at] not in stops:
        assert text[at] != "\n"
        if text[at] == "\\" and at + 1 < len(text) and text[at + 1] in ",= ":
            at += 1
        out.append(text[at])
        at += 1
    assert out, "an empty name or value"
    return "".join(out), at


def _field(text: str, at: int) -> tuple[Any, int]:
    if text[at] == '"':
        out, at = [], at + 1
        while text[at] != '"':
            if text[at] == "\\" and text[at + 1] in '"\\':
                at += 1
            out.append(text[at])
            at += 1
        return "".join(out), at + 1
    end = at
    while text[end] not in ", ":
        end += 1
    raw = text[at:end]
    if raw in {"true", "false"}:
        return raw == "true", end
    if raw.endswith("i"):
        assert raw[:-1].lstrip("-").isdigit()
        return int(raw[:-1]), end
    assert set(raw) <= set("0123456789.e+-"), raw
    return float(raw), end


def parse(line: bytes) -> Point:
    """One line; anything not allowed raises."""
    text = line.decode()
    name, at = _token(text, 0, ", ")
    tags: dict[str, str] = {}
    while text[at] == ",":
        key, at = _token(text, at + 1, "=, ")
        assert text[at] == "="
        tags[key], at = _token(text, at + 1, ",= ")
    assert text[at] == " "
    fields: dict[str, Any] = {}
    while text[at] in " ," and (text[at] == "," or not fields):
        key, at = _token(text, at + 1, "=, ")
        assert text[at] == "="
        fields[key], at = _field(text, at + 1)
    assert text[at] == " "
    return name, tags, fields, int(text[at + 1 :])


def encode(measurement: Measurement, *rows: Any) -> list[bytes]:
    lines: list[bytes] = []
    assert LineEncoder(measurement).encode(rows, lines) == (0, 0)
    return lines


names = st.text(string.ascii_letters + "_, =", min_size=1, max_size=8)
texts = st.text(st.characters(codec="utf-8"), max_size=20)
tag_values = texts.filter(lambda text: not {"\n", "\r"} & set(text) and not text.endswith("\\"))
kinds = st.sampled_from([float, int, str, bool])
VALUES = {float: st.floats(), int: st.integers(-(2**63), 2**63 - 1), str: texts, bool: st.booleans()}


@st.composite
def measured(draw: st.DrawFn) -> tuple[Measurement, list[Any]]:
    keys = draw(st.lists(names, min_size=2, max_size=7, unique=True))
    split = draw(st.integers(0, len(keys) - 1))
    fields = {key: draw(kinds) for key in keys[split:]}
    measurement = Measurement(draw(names), tuple(keys[:split]), fields)
    row = st.tuples(
        st.integers(-(10**12), 10**13), *(tag_values for _ in measurement.tags),
        *(st.none() | VALUES[kind] for kind in fields.values()),
    )  # fmt: skip
    return measurement, draw(st.lists(row, max_size=4))


@given(measured())
def test_a_strict_parser_reads_back_what_was_encoded(case: tuple[Measurement, list[Any]]) -> None:
    measurement, rows = case
    first = 1 + len(measurement.tags)
    wanted = []
    for row in rows:
        values = zip(measurement.fields, known(row[first:]), strict=True)
        fields = {name: value for name, value in values if value is not None}
        tags = {name: tag for name, tag in zip(measurement.tags, row[1:first], strict=True) if tag}
        if fields:
            wanted.append((measurement.name, tags, fields, row[0]))
    lines: list[bytes] = []
    empty, unwritable = LineEncoder(measurement).encode(rows, lines)
    found = [parse(line) for line in lines]
    assert found == wanted
    for (*_, mine, _), (*_, theirs, _) in zip(found, wanted, strict=True):
        assert {name: type(value) for name, value in mine.items()} == {n: type(v) for n, v in theirs.items()}
    assert (empty, unwritable) == (len(rows) - len(wanted), 0)
    assert split_lines(b"\n".join(lines)) == lines


def test_shortest_floats_in_the_order_of_the_schema() -> None:
    (line,) = encode(BARS, (1_767_225_600_000, "BTCUSDT", "1m", 0.1, 1e22, 5.0, -0.0, 1e-7, 123456789.123, 3))
    assert line == (
        b"bars,symbol=BTCUSDT,timeframe=1m open=0.1,high=1e22,low=5.0,close=-0.0,volume=1e-7,"
        b"turnover=123456789.123,buy_volume=3 1767225600000"
    )


def test_what_is_not_known_is_left_out() -> None:
    (line,) = encode(BARS, (5, "A", "1m", None, math.nan, math.inf, -math.inf, 1.5, None, None))
    assert line == b"bars,symbol=A,timeframe=1m volume=1.5 5"


def test_a_row_without_a_known_field_is_no_line() -> None:
    lines: list[bytes] = []
    unknown = (5, "A", "1m", *[None] * 7)
    assert LineEncoder(BARS).encode([unknown, (6, "A", "1m", *[math.nan] * 7)], lines) == (2, 0)
    assert not lines


@pytest.mark.parametrize("tag", ["a\nb", "ends with \\", "\ud800", None, 5])
def test_a_tag_that_cannot_be_written_is_counted(tag: Any) -> None:
    lines: list[bytes] = []
    good = (5, "A", "1m", *[1.0] * 7)
    assert LineEncoder(BARS).encode([(5, tag, "1m", *[1.0] * 7), good], lines) == (0, 1)
    assert len(lines) == 1


def test_a_row_that_is_too_short_or_of_strange_values_is_counted() -> None:
    lines: list[bytes] = []
    assert LineEncoder(BARS).encode([(5, "A", "1m", 1.0), (5, "A", "1m", object(), *[1.0] * 6)], lines) == (0, 2)


def test_one_strange_value_does_not_shift_the_others() -> None:
    good = [(5, "A", "1m", *map(float, range(n, n + 7))) for n in range(3)]
    strange = [(5, "A", "1m", value, *[1.0] * 6) for value in ("1,2", [1.0, 2.0], {"a": 1, "b": 2})]
    lines: list[bytes] = []
    rows: list[Any] = [good[0], *strange, (5, "A", "1m"), good[1], (6, "A", "1m", *[None] * 7), good[2]]
    assert LineEncoder(BARS).encode(rows, lines) == (1, 4)
    assert lines == encode(BARS, *good)


def test_a_value_too_large_for_its_kind_is_left_to_the_server() -> None:
    (line,) = encode(FEEDS, (7, "tickers", 2**70, *[0] * 5, 0.5, 0.5))
    assert b"count=1180591620717411303424i" in line


def test_scalars_of_numpy_are_numbers() -> None:
    row = (7, "tickers", np.int64(4), 3, np.int32(-1), 0, 2, 1, np.float64(0.1), np.float64("nan"))
    (line,) = encode(FEEDS, row)
    assert parse(line)[2] == {
        "count": 4, "connected": 3, "stale": -1, "mute": 0, "messages": 2, "resyncs": 1, "max_age_ms": 0.1,
    }  # fmt: skip
    assert type(parse(line)[2]["count"]) is int


def test_series_are_forgotten_before_they_fill_the_memory() -> None:
    encoder = LineEncoder(BARS)
    for start in range(0, 60_000, 10_000):
        encoder.encode([(5, f"S{number}", "1m", *[1.0] * 7) for number in range(start, start + 10_000)], [])
    assert len(encoder._heads) <= 20_000


def test_every_measurement_of_the_schema_has_keys_that_need_no_escape() -> None:
    for measurement in MEASUREMENTS.values():
        assert all(name.replace("_", "").isalnum() for name in (measurement.name, *measurement.columns))

"""Answers that are none, and lists that cannot be."""

import itertools
import struct
import zlib
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from tests.faults.hostile.case import VICTIM, Case
from tests.faults.hostile.edits import answered, renamed_result, with_list
from tests.faults.hostile.judge import Story
from tests.faults.hostile.odd import Answer, Edit, Json
from tests.faults.hostile.told import DOUBTED, REST_DOWN

_BOMB_MIB = 1_024
_JSON = {"Content-Type": "application/json"}
_PORTAL = b"<!doctype html><html><body>Please log in to the hotel's network</body></html>"


def _dead(name: str, sent: str, answer: Answer | Callable[[], Edit], kind: str = REST_DOWN) -> Case:
    """Every request is answered so; streams live on."""
    edit = answered("*", lambda *_: answer) if isinstance(answer, Answer) else answer
    return Case(
        name=f"rest_{name}", sent=f"every REST answer {sent}; the streams go on", edit=edit,
        incidents={kind: 1}, also=("exchange_clock",), seconds=35.0, awaited=50.0, check=_origin_stays,
        recover=60.0,
    )  # fmt: skip


def _origin_stays(story: Story) -> None:
    """What the exchange is does not change by what is no answer of its."""
    before = story.before.status["data_source"]
    assert {seen.status["data_source"] for seen in story.during} == {before}


def _list(name: str, sent: str, end: str, change: Any, **more: Any) -> Case:
    return Case(
        name=name,
        sent=sent,
        edit=answered(end, with_list(change)),
        **{"seconds": 26.0, "incidents": {DOUBTED: 1}, **more},
    )


@cache
def _bomb_body() -> bytes:
    """A gigabyte of spaces as gzip (RFC 1952): each megabyte is packed as the first one, which is packed once."""
    spaces, checksum = b" " * (1 << 20), 0
    for _ in range(_BOMB_MIB):
        checksum = zlib.crc32(spaces, checksum)
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    packed = packer.compress(spaces) + packer.flush(zlib.Z_FULL_FLUSH)
    head, tail = b"\x1f\x8b\x08" + bytes(6) + b"\xff", struct.pack("<II", checksum, len(spaces) * _BOMB_MIB)
    return head + packed * _BOMB_MIB + packer.flush() + tail


def _bomb() -> Edit:
    """Made before it is sent: the proxy, which packs it, would hold the streams up meanwhile."""
    answer = Answer([_bomb_body()], headers={**_JSON, "Content-Encoding": "gzip"})
    return answered("*", lambda *_: answer)()


def _zero_price(rows: list[Json]) -> list[Json]:
    return [row | {"lastPrice": "0"} if row["symbol"] == VICTIM else row for row in rows]


def _without_victim(rows: list[Json]) -> list[Json]:
    return [row for row in rows if row["symbol"] != VICTIM]


def _looping(document: Json, _: Mapping[str, str]) -> Json:
    result = document["result"]
    return document | {"result": result | {"nextPageCursor": "page%3D2"}}


def _rich_stranger(rows: list[Json]) -> list[Json]:
    """A ticker of the largest turnover that no instrument has."""
    return [*rows, rows[0] | {"symbol": "GHOSTUSDT", "turnover24h": "1e17"}]


_TICKERS, _INSTRUMENTS = "/market/tickers", "/market/instruments-info"

CASES = (
    _dead("503", "HTTP 503", Answer([b"busy"], 503), "maintenance"),
    _dead(
        "html", "a captive portal's page with HTTP 200", Answer([_PORTAL], headers={"Content-Type": "text/html"}),
    ),
    _dead("redirect", "a redirect", Answer([b""], 302, {"Location": "http://127.0.0.1:9/"})),
    _dead("empty", "empty", Answer([b""], headers=_JSON)),
    _dead("cut", "cut off", Answer()),
    _dead("truncated", "half an answer", Answer([b'{"retCode":0,"retMsg":"OK","resu'], headers=_JSON)),
    _dead("null", "`null`", Answer([b"null"], headers=_JSON)),
    _dead(
        "result_of_wrong_type", "with a number as `result`",
        Answer([b'{"retCode":0,"retMsg":"OK","result":7,"time":1}'], headers=_JSON),
    ),
    _dead("nested", "100,000 nested arrays", Answer([b"[" * 100_000 + b"]" * 100_000], headers=_JSON)),
    _dead("gzip_bomb", "1 MB of gzip that are 1 GB", _bomb),
    _dead("not_gzip", "said to be gzip and is not", Answer([b"{}"], headers={**_JSON, "Content-Encoding": "gzip"})),
    _dead("endless", "without end", Answer(itertools.repeat(b" " * (1 << 16)), headers=_JSON)),
    _dead("drip", "a byte a second", Answer(itertools.repeat(b" "), headers=_JSON, every_s=1.0)),
    _dead(
        "retcode", "with `retCode` 10016",
        Answer([b'{"retCode":10016,"retMsg":"internal error","result":{},"time":1}'], headers=_JSON),
    ),
    _dead("404", "HTTP 404", Answer([b"{}"], 404, _JSON)),
    Case(
        name="rest_without_result", sent="answers whose `result` has another name",
        edit=answered("*", lambda body, _: renamed_result(body)), incidents={REST_DOWN: 1},
        also=("exchange_clock", DOUBTED), seconds=35.0, awaited=70.0, recover=60.0,
    ),
    _list("instruments_empty", "`instruments-info` with an empty list", _INSTRUMENTS, lambda _: []),
    _list("tickers_empty", "`tickers` with an empty list", _TICKERS, lambda _: []),
    _list(
        "instruments_closed_only", "`instruments-info` with one `Closed` alone", _INSTRUMENTS,
        lambda rows: [rows[0] | {"symbol": "OLDUSDT", "status": "Closed"}],
    ),
    _list("instruments_shortened", "`instruments-info` of one instrument", _INSTRUMENTS, lambda rows: rows[:1]),
    _list("tickers_shortened", "`tickers` of one symbol", _TICKERS, lambda rows: rows[:1]),
    _list(
        "instruments_doubled", "`instruments-info` with an item three times", _INSTRUMENTS,
        lambda rows: [*rows, *[rows[-1]] * 2], incidents={},
    ),
    _list(
        "instruments_doubled_often", "`instruments-info` with one item a thousand times", _INSTRUMENTS,
        lambda rows: [*rows, *[rows[-1]] * 1_000], incidents={},
    ),
    _list("tickers_doubled", "`tickers` with every item twice", _TICKERS, lambda rows: rows * 2, incidents={}),
    _list("ticker_of_price_zero", "`tickers` with one `lastPrice` `\"0\"`", _TICKERS, _zero_price, incidents={}),
    _list(
        "ticker_missing", "`tickers` without one symbol, twice", _TICKERS, _without_victim, incidents={},
        seconds=18.0,
    ),
    _list(
        "instrument_missing", "`instruments-info` without one symbol, twice", _INSTRUMENTS, _without_victim,
        incidents={}, seconds=18.0,
    ),
    _list(
        "stranger_in_the_tickers", "`tickers` of a symbol that no list has, of the largest turnover", _TICKERS,
        _rich_stranger, incidents={},
    ),
    _list(
        "items_of_words", "`instruments-info` whose items are words", _INSTRUMENTS,
        lambda rows: ["BTCUSDT"] * len(rows),
    ),
    _list(
        "list_of_wrong_type", "`tickers` whose list is an object", _TICKERS, lambda rows: {"0": rows[0]},
        incidents={}, also=(DOUBTED, REST_DOWN),
    ),
    Case(
        name="cursor_loops", sent="`instruments-info` whose `nextPageCursor` never ends",
        edit=answered(_INSTRUMENTS, _looping), seconds=26.0, also=(DOUBTED,),
    ),
)  # fmt: skip

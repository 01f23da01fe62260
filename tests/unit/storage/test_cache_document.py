"""Envelopes carry any document unchanged, garbage is called so, and relabelling touches qualities and nothing else."""

import json
from math import isfinite
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from virtuoso.model.errors import StoreUnavailable
from virtuoso.storage.cache.document import Document, Version, decode, encode

BETTER = ("live", "delayed", "partial")
KEYS = ("data_quality", "quality")
NASTY = st.one_of(
    st.text(max_size=20),
    st.sampled_from([
        '"data_quality":"live"', ',"quality":"live"', '{"quality":"live"}', '\\","quality":"live', ',"', "{", '\\"',
        '"',
        "quality", "data_quality", 'x"data_quality', '{"data_quality', ',\\"quality', "live", "partial", "\\", "\\\\",
        'quality":"live', "\u2028", "\x00", "😀",
    ]),
)  # fmt: skip
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.floats(allow_nan=False), NASTY),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(NASTY, inner, max_size=4),
        st.fixed_dictionaries({"data_quality": st.sampled_from([*BETTER, "stale", "unavailable"]), "a": inner}),
        st.fixed_dictionaries({"b": inner, "quality": st.sampled_from([*BETTER, "stale"])}),
    ),
    max_leaves=12,
)


def document(body: bytes, name: str = "x") -> Document:
    return Document(name, body, Version(3, 7), 1_700_000_000_123, 12.5, 60.0)


def expected(value: Any) -> Any:
    """The relabelling as it is meant: on the values, not on the bytes."""
    if isinstance(value, dict):
        return {
            key: "stale" if key in KEYS and isinstance(inner, str) and inner in BETTER else expected(inner)
            for key, inner in value.items()
        }
    if isinstance(value, float) and not isfinite(value):
        return None  # JSON has no other word for it
    return [expected(inner) for inner in value] if isinstance(value, list) else value


@given(VALUES)
def test_relabelling_calls_qualities_stale_and_changes_nothing_else(value: Any) -> None:
    relabelled = document(msgspec.json.encode(value)).relabelled()
    assert msgspec.json.decode(relabelled.body) == expected(value)
    assert relabelled.body == msgspec.json.encode(expected(value))
    assert relabelled.stale
    assert (relabelled.etag, document(b"1").etag) == (b'"3-7-stale"', b'"3-7"')


def test_text_that_looks_like_a_label_is_left_alone() -> None:
    body = msgspec.json.encode({"m": ',"data_quality":"live"', 'x"data_quality': "live", "data_quality": "live"})
    assert json.loads(document(body).relabelled().body) == {
        "m": ',"data_quality":"live"', 'x"data_quality': "live", "data_quality": "stale",
    }  # fmt: skip


@given(VALUES, st.text(max_size=30), st.floats(0, 1e6), st.integers(0, 2**40), st.integers(0, 2**40))
def test_an_envelope_returns_what_was_put_into_it(
    value: Any, name: str, age_s: float, epoch: int, sequence: int
) -> None:
    put = Document(name, msgspec.json.encode(value), Version(epoch, sequence), 5, 1.5, 3_600.0)
    got, age = decode("redis", name, encode(put, age_s))
    assert got == put
    assert isinstance(got.version, Version)
    assert age == pytest.approx(age_s, abs=0.001)


def test_the_envelope_is_one_json_value_around_the_same_bytes() -> None:
    body = b'{"price":1.10,"text":"\\u20ac"}'
    envelope = encode(document(body), 0.25)
    assert body in envelope
    assert json.loads(envelope) == {
        "name": "x", "version": [3, 7], "published_ms": 1_700_000_000_123, "age_ms": 250,
        "fresh_s": 12.5, "ttl_s": 60.0,
        "document": {"price": 1.1, "text": "€"},
    }  # fmt: skip


@given(st.binary(max_size=100))
def test_garbage_is_an_error_of_the_store(data: bytes) -> None:
    with pytest.raises(StoreUnavailable, match="redis: what is stored as 'x'"):
        decode("redis", "x", data)


@given(st.data())
def test_a_damaged_envelope_is_an_error_or_another_valid_one_but_never_a_crash(data: st.DataObject) -> None:
    whole = encode(document(b'{"a":[1,2,"three"]}'), 1.0)
    cut = data.draw(st.integers(0, len(whole) - 1))
    damaged = whole[:cut] + data.draw(st.binary(min_size=0, max_size=3)) + whole[cut + 1 :]
    try:
        got, age_s = decode("redis", "x", damaged)
    except StoreUnavailable:
        return
    assert got.name == "x"
    assert 0 <= age_s < 1e12


@pytest.mark.parametrize(
    "data",
    [
        b'{"name":"x","version":[1,1],"published_ms":0,"age_ms":-1,"fresh_s":1,"ttl_s":1,"document":1}',
        b'{"name":"x","version":[1,1],"published_ms":0,"age_ms":1,"fresh_s":1e300,"ttl_s":1,"document":1}',
        b'{"name":"x","version":[1],"published_ms":0,"age_ms":1,"fresh_s":1,"ttl_s":1,"document":1}',
        encode(document(b"1", "another"), 0.0),
    ],
)
def test_what_cannot_be_is_refused(data: bytes) -> None:
    with pytest.raises(StoreUnavailable):
        decode("redis", "x", data)

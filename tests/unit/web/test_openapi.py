"""The served OpenAPI document says what everything in it is: each field, parameter, value and answer."""

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Any

import msgspec
import pytest
from tests.unit.web.test_routes import HealthState, ManualClock, MemoryCache, client

from virtuoso.web.descriptions import describe, reached

UNIT = re.compile(
    r"quote units|base units|percent|% a day|log-%|\bbp\b|\bms\b|\bMB\b|seconds|minutes|\bhours|0–100|0–1\b|−1 to 1"
    r"|−1 \(down\)|0 \(nothing\)|score points|HTTP status|[Rr]atio\b|in `unit`|in the unit of"
)
COUNT = re.compile(r"^(How many|Number of)\b")
LEAST_WORDS = 3


class Colour(StrEnum):
    """What a thing looks like."""

    RED = "red"
    """Like blood."""
    BLUE = "blue"


class Thing(msgspec.Struct):
    """A thing."""

    size: float
    """How large it is,
    metres."""
    said: str
    hue: Colour = msgspec.field(name="colour", default=Colour.RED)
    """What it looks like."""


class More(Thing):
    """A thing and others within."""

    within: dict[str, tuple[Thing | None, ...]] = {}
    """The things in it, by name."""


@pytest.fixture(scope="module")
def document() -> Any:
    clock = ManualClock()
    web = client(MemoryCache(clock), HealthState(clock, 10.0, "embedded"))
    return web.get("/openapi.json").json()


def fault(name: str, said: str | None) -> str | None:
    """What is wrong with a description; `None` where it says something."""
    if not said:
        return "says nothing"
    if not said.endswith("."):
        return "is no sentence"
    words = re.findall(r"\w+", said.lower())
    if len(words) < LEAST_WORDS:
        return "is too short"
    if set(words) <= set(name.lower().split("_")) | {"a", "an", "the", "of", "its"}:
        return "says its name again"
    return None


def is_number(schema: Any) -> bool:
    """Whether a value is a number, or numbers in a list or by name, where nothing else can be."""
    if "anyOf" in schema:
        kinds = [each for each in schema["anyOf"] if each.get("type") != "null"]
        return bool(kinds) and all(map(is_number, kinds))
    if schema.get("type") in {"number", "integer"}:
        return True
    for inner in (*schema.get("prefixItems", ()), schema.get("items"), schema.get("additionalProperties")):
        if isinstance(inner, dict) and is_number(inner):
            return True
    return False


def properties(document: Any) -> Iterator[tuple[str, str, Any]]:
    for name, schema in document["components"]["schemas"].items():
        for field, value in schema.get("properties", {}).items():
            yield name, field, value


def operations(document: Any) -> Iterator[tuple[str, Any]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method} {path}", operation


def test_every_field_says_what_it_is(document: Any) -> None:
    found = [(f"{name}.{field}", fault(field, value.get("description"))) for name, field, value in properties(document)]
    assert len(found) > 450
    assert {name: wrong for name, wrong in found if wrong} == {}
    unnamed = [name for name, schema in document["components"]["schemas"].items() if fault(name, _first(schema))]
    assert unnamed == []


def _first(schema: Any) -> str:
    return str(schema.get("description", "")).partition("\n")[0]


def test_every_number_has_a_unit_or_counts(document: Any) -> None:
    numbers = [(name, field, value) for name, field, value in properties(document) if is_number(value)]
    assert len(numbers) > 150
    bare = [
        f"{name}.{field}: {value['description']}"
        for name, field, value in numbers
        if not UNIT.search(value["description"]) and not COUNT.search(value["description"])
    ]
    assert bare == []


def test_every_null_is_explained(document: Any) -> None:
    may = [
        (f"{name}.{field}", value["description"])
        for name, field, value in properties(document)
        if {"type": "null"} in value.get("anyOf", ())
    ]
    assert len(may) > 150
    of_all = document["components"]["schemas"]["AlphaEstimate"]["description"]
    assert "`null`" in of_all
    assert [name for name, said in may if "null" not in said and not name.startswith("AlphaEstimate.")] == []


def test_every_parameter_and_answer_says_what_it_is(document: Any) -> None:
    wrong = []
    parameters = answers = 0
    for name, operation in operations(document):
        assert fault("", f"{operation['summary']}.") is None, name
        for parameter in operation.get("parameters", ()):
            parameters += 1
            if problem := fault(parameter["name"], parameter.get("description")):
                wrong.append(f"{name} {parameter['name']} {problem}")
            schema = parameter["schema"]
            if schema.get("type") == "integer" and not {"minimum", "maximum", "default"} <= schema.keys():
                wrong.append(f"{name} {parameter['name']} has no bounds or no default")
        for status, answer in operation["responses"].items():
            answers += 1
            if problem := fault(status, answer.get("description")):
                wrong.append(f"{name} {status} {problem}")
    assert wrong == []
    assert (parameters, answers) > (30, 200)


def test_every_value_of_an_enumeration_is_told_where_its_name_does_not(document: Any) -> None:
    schemas = document["components"]["schemas"]
    told = {name: schema for name, schema in schemas.items() if "enum" in schema and "imeframe" not in name}
    assert {"Band", "Label", "DataQuality", "DataSource", "FeedKind", "Severity", "AlertState", "DeliveryState"} == set(
        told
    )
    for schema in told.values():
        said = dict(re.findall(r"^- `([\w ]+)`: (.+)$", schema["description"], re.MULTILINE))
        assert sorted(said) == sorted(schema["enum"])
        assert [value for value, text in said.items() if not text.endswith(".")] == []


def test_a_description_is_the_text_below_the_field(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("virtuoso.web.descriptions._PROGRAM", __name__.partition(".")[0])
    _, schemas = msgspec.json.schema_components([More])
    describe(schemas, [list[More | None]])
    assert reached([list[More | None]]) == {More, Thing, Colour}
    for name in ("Thing", "More"):  # what is inherited is described, too
        fields = schemas[name]["properties"]
        assert fields["size"]["description"] == "How large it is, metres."
        assert fields["colour"]["description"] == "What it looks like."
        assert "description" not in fields["said"]
    assert schemas["More"]["properties"]["within"]["description"] == "The things in it, by name."
    assert schemas["Colour"]["description"] == "What a thing looks like.\n\n- `red`: Like blood."


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        (None, "says nothing"),
        ("", "says nothing"),
        ("The price of a trade", "is no sentence"),
        ("Mark price.", "is too short"),
        ("The price of the mark.", "says its name again"),
        ("Price by which positions are liquidated, quote units.", None),
    ],
)
def test_a_description_that_says_nothing_is_caught(said: str | None, wrong: str | None) -> None:
    assert fault("mark_price", said) == wrong

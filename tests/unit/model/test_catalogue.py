"""What is listed once is what there is: kinds, factors and documents are the same wherever they are named."""

import ast
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tests.support.sinks import Silent

from virtuoso.alerts.rules.values import CATALOGUE
from virtuoso.analysis import engine
from virtuoso.config import Settings
from virtuoso.exchange.bybit.feeds import feeds_for
from virtuoso.model.catalogue.detectors import DETECTED
from virtuoso.model.catalogue.documents import DOCUMENTS, STREAMED, document_of, empty_body
from virtuoso.model.catalogue.factors import FACTORS
from virtuoso.model.catalogue.kinds import KINDS, MARKET_KINDS, OUTAGES, SYSTEM_KINDS
from virtuoso.model.feed_kind import BEGINS_WHOLE, MAY_BE_SILENT, POLLED, POLLED_PLAIN, FeedKind
from virtuoso.monitor.cycle.alpha_scanner import KINDS as ALPHA_KINDS
from virtuoso.storage.timeseries import schema
from virtuoso.wiring.alert_conditions import conditions

FIRING = {"fire", "resolve", "open_parts", "observe", "_observe"}


@cache
def literals(root: Path, *, but: tuple[str, ...]) -> set[str]:
    """All texts in the sources, but for folders."""
    found: set[str] = set()
    for path in (root / "src" / "virtuoso").rglob("*.py"):
        if not path.relative_to(root / "src" / "virtuoso").as_posix().startswith(but):
            found |= texts(path.read_text("utf-8"))
    return found


def texts(source: str) -> set[str]:
    """The texts in a source: bytes as texts, and where something is filled in, `{}`."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
        elif isinstance(node, ast.Constant) and isinstance(node.value, bytes):
            found.add(node.value.decode("latin-1"))
        elif isinstance(node, ast.JoinedStr):
            found.add("".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values))
    return found


def fired(root: Path) -> set[str]:
    """First texts given to whatever fires or resolves an incident."""
    found: set[str] = set()
    for room in ("alerts", "monitor"):
        for path in (root / "src" / "virtuoso" / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call) and _name(node.func) in FIRING:
                    texts = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
                    found.update(texts[:1])
    return found


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def test_every_kind_is_raised_somewhere_and_nothing_else_is(root: Path) -> None:
    assert fired(root) <= KINDS.keys()
    assert KINDS.keys() <= literals(root, but=("model/catalogue", "config"))
    assert set(ALPHA_KINDS.values()) | {kind.name for kind in DETECTED} <= set(MARKET_KINDS)
    assert set(SYSTEM_KINDS) >= OUTAGES


def test_the_kinds_are_told_in_the_docs(root: Path) -> None:
    text = (root / "docs" / "alerts.md").read_text("utf-8").partition("## The kinds")[2].partition("\n## ")[0]
    rows = [tuple(map(str.strip, line.strip("|").split(" | "))) for line in text.splitlines() if line.startswith("| `")]
    when = conditions(Settings().monitoring.alerts)
    assert rows == [
        (f"`{k.name}`", k.title, " or ".join(k.severities), when[k.name], k.meaning, k.check) for k in KINDS.values()
    ]


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_a_kind_is_told_in_sentences(kind: Any) -> None:
    assert re.fullmatch(r"[a-z_]+", kind.name)
    assert kind.title[0].isupper()
    assert not kind.title.endswith(".")
    for sentence in (kind.condition, kind.meaning, kind.check):
        assert (sentence[0].isupper() or sentence[0] in "`{", sentence[-1]) == (True, ".")


def test_the_factors_are_the_same_everywhere(root: Path) -> None:
    assert set(FACTORS) == engine.FACTORS.keys()
    assert set(FACTORS) == set(type(Settings().analysis.factors).model_fields)
    assert tuple(schema.FACTORS.fields)[-len(FACTORS) :] == FACTORS
    assert {f"{name}_score" for name in FACTORS} == {n for n in CATALOGUE if n.removesuffix("_score") in engine.FACTORS}
    panels = json.loads((root / "deploy" / "grafana" / "dashboards" / "virtuoso.json").read_text("utf-8"))["panels"]
    targets = [target for panel in panels for target in panel.get("targets", ())]
    queries = [target["query"] for target in targets if 'FROM "factors"' in target.get("query", "")]
    assert any(all(f'last("{name}")' in query for name in FACTORS) for query in queries)


_WORDS = re.compile(r"\b(publicTrade|allLiquidation|kline)\b|\b(orderbook|tickers)\.[0-9A-Z{]|^(orderbook|tickers)\.$")
"""What Bybit calls its topics."""


@pytest.mark.parametrize(
    "planted",
    [
        'subscribe("publicTrade")',
        'subscribe("kline.1.BTCUSDT")',
        'subscribe(f"orderbook.50.{symbol}")',
        'subscribe(f"tickers.{symbol}")',
        'subscribe("tickers." + symbol)',
        'topic.startswith(b"orderbook.")',
    ],
)
def test_a_word_of_an_exchange_is_caught(planted: str) -> None:
    assert any(map(_WORDS.search, texts(planted)))


def test_an_exchanges_words_are_known_to_its_adapter_alone(root: Path) -> None:
    said = literals(root, but=("exchange/bybit/", "simulator/"))
    assert {text for text in said if _WORDS.search(text)} == set()


def test_the_kinds_of_feeds_are_the_same_everywhere() -> None:
    feeds = {feed.kind for feed in feeds_for("BTCUSDT", Silent(), "linear", 50, lambda feed: None)}
    assert feeds == set(FeedKind)
    assert {feed.kind for feed in feeds_for("BTCUSDT", Silent(), "linear", 50, lambda _: None, detailed=False)} == set(
        POLLED_PLAIN
    )
    assert set(POLLED_PLAIN) < set(POLLED) == set(FeedKind) - MAY_BE_SILENT
    assert set(POLLED) > BEGINS_WHOLE


def test_the_documents_say_where_they_are_served_and_how_long_they_last() -> None:
    for document in DOCUMENTS.values():
        assert document.ttl_s > 0
        assert document.freshness_s(1.0) is None or 0 < document.freshness_s(1.0) <= document.ttl_s  # type: ignore[operator]
        if document.path is not None:
            assert document.summary
            assert document.example is not None
            json.loads(empty_body(document.name))
    assert set(STREAMED) < DOCUMENTS.keys()
    assert document_of("symbol:BTCUSDT").name == document_of("symbol:a:b").name == "symbol:{symbol}"
    assert document_of("alerts:rules").name == "alerts:rules"
    for unknown in ("nobody", "symbol:", "nobody:BTCUSDT"):
        with pytest.raises(KeyError):
            document_of(unknown)

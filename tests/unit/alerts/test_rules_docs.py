"""What `docs/alerts.md` says of rules: its catalogue is the real one, its recipes pass and fire when they should."""

import re
from pathlib import Path
from typing import Any

import pytest

from virtuoso.alerts.rules.evaluator import Evaluator, RuleState
from virtuoso.alerts.rules.parse import KEYS, parse
from virtuoso.alerts.rules.values import CATALOGUE, Scope

FIRES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "stretched": (
        {"band": "stretched up", "score": 71, "score_percentile": 96.0, "agreement": 0.7, "price": 5.0},
        {"band": "balanced"},
    ),
    "settled-pressure": (
        {"band": "stretched down", "score": 29, "score_percentile": 4.0, "agreement": 0.7, "coverage": 0.9},
        {"coverage": 0.5},
    ),
    "up-with-the-market": (
        {"band": "stretched up", "regime": "BULLISH", "market_regime": "BULLISH", "market_above_ema50_pct": 61},
        {"market_regime": "BEARISH"},
    ),
    "costly-funding": ({"funding_rate": -0.031}, {"funding_rate": 0.03}),
    "premium": ({"price": 99.95, "index_price": 100.0}, {"price": 100.03}),
    "my-longs-in-danger": ({"symbol": "ETHUSDT", "band": "stretched down", "agreement": 0.6}, {"symbol": "XRPUSDT"}),
    "restless": (
        {"signal": "HOLD", "confidence": 0.6, "large_move": 0.3, "large_move_base": 0.2}, {"large_move": 0.2},
    ),
    "wide-spread": ({"spread_bp": 6, "turnover_24h": 3e7}, {"turnover_24h": 2e7}),
    "market-falls": (
        {"market_change_24h": -5.1, "market_declining": 41, "market_advancing": 10, "market_symbols": 60},
        {"market_advancing": 11},
    ),
    "half-blind": ({"system_feeds_stale": 26, "system_feeds": 100}, {"system_feeds_stale": 25}),
    "short-of-breath": ({"system_cpu_pct": 86}, {"system_cpu_pct": 80, "system_loop_lag_ms": 1, "system_cycle_s": 1}),
}  # fmt: skip
"""Of each rule of the page: values of which it fires, and what of them changed ends it."""


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    return (root / "docs" / "alerts.md").read_text("utf-8")


def recipes(page: str) -> list[str]:
    return re.findall(r"```yaml\n((?:version:[^\n]*\n)?rules:.*?)```", page, re.DOTALL)


def test_the_cookbook_has_ten_rules_and_no_two_of_a_name(page: str) -> None:
    assert len(re.findall(r"^\*\*\d+\. ", page, re.MULTILINE)) == 10
    rules = parse((f"recipe {i}", text) for i, text in enumerate(recipes(page)))
    assert {rule.name for rule in rules.rules} == set(FIRES)
    assert rules.notes == ()


@pytest.mark.parametrize("name", FIRES)
def test_each_rule_of_the_page_passes_the_check_and_fires_when_it_says(page: str, name: str) -> None:
    text = next(text for text in recipes(page) if f"name: {name}\n" in text or f"name: {name} " in text)
    rule = parse([("docs", text)]).by_name[name]
    evaluator = Evaluator(parse([("docs", text)]))
    holding, changed = FIRES[name]
    for values, state in ((holding, RuleState.HOLDS), (holding | changed, RuleState.OVER)):
        of = {scope: {n: v for n, v in values.items() if CATALOGUE[n].scope is scope} for scope in Scope}
        (found,) = evaluator.step(0, {"ETHUSDT": of[Scope.SYMBOL]}, of[Scope.MARKET], of[Scope.SYSTEM])
        assert found.state is state
        assert found.symbol == ("ETHUSDT" if rule.per_symbol else None)
        assert ("{" in found.message, bool(found.message)) == (False, state is RuleState.HOLDS)


def test_every_key_of_a_rule_is_on_the_page(page: str) -> None:
    assert re.findall(
        r"^\| `([a-z_]+)` \|", page.partition("### Conditions")[0].partition("### Keys of a rule")[2], re.MULTILINE
    ) == list(dict.fromkeys(("name", "when", *KEYS)))


def catalogue() -> str:
    """The values as the page lists them."""
    titles = {Scope.SYMBOL: "Of a symbol", Scope.MARKET: "Of the market", Scope.SYSTEM: "Of the system"}
    lines = []
    for scope in Scope:
        lines += [f"#### {titles[scope]}", "", "| name | unit | meaning |", "|---|---|---|"]
        for value in CATALOGUE.values():
            if value.scope is scope:
                unit = ", ".join(f"`{choice}`" for choice in value.choices) or value.unit or "text"
                lines.append(f"| `{value.name}` | {unit} | {value.meaning} |")
        lines.append("")
    return "\n".join(lines)


def test_the_catalogue_on_the_page_is_the_real_one(page: str) -> None:
    written = re.search(r"<!-- values.*?-->\n(.*)<!-- end of values -->", page, re.DOTALL)
    assert written
    assert written[1] == catalogue(), f"docs/alerts.md must hold between its two marks:\n{catalogue()}"

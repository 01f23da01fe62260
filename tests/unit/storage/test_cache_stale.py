"""A document that is too old forecasts nothing: by the examples of the catalogue, whose forecasts are all known."""

from typing import Any

import msgspec
import pytest

from virtuoso.model import documents as docs
from virtuoso.model.catalogue import examples
from virtuoso.model.documents.signals import FORECAST_FIELDS
from virtuoso.storage.cache.document import Document, Version
from virtuoso.storage.cache.stale import REASON


def aged(document: Any, kind: Any) -> Any:
    """A document as it is served when nobody renews it, by its schema."""
    body = Document("x", msgspec.json.encode(document), Version(1, 1), 0, 10.0, 60.0).relabelled().body
    return msgspec.json.decode(body, type=kind)


@pytest.mark.parametrize(
    ("document", "kind"), [(examples.SIGNALS, docs.TopSignals), (examples.DASHBOARD, docs.Dashboard)]
)
def test_rows_of_signals_say_nothing_of_what_follows(document: Any, kind: Any) -> None:
    before, row = document["signals"][0], aged(document, kind).signals[0]
    assert {name for name in FORECAST_FIELDS if getattr(row, name) is not None} == set()
    assert row.reasons == (REASON, *before["reasons"])
    assert (row.score, row.agreement) == (before["score"], before["agreement"]), "what was computed stays"


def test_a_symbol_says_nothing_of_what_follows() -> None:
    detail = aged(examples.SYMBOL, docs.SymbolDetail)
    assert (detail.forecast, detail.counterfactual, detail.signal.large_move) == (None, None, None)
    chances = detail.entry.chances
    assert (chances.stop_first, chances.target_first, chances.levels_bp, chances.net_bp) == (None,) * 4
    assert chances.reason == REASON
    assert detail.entry.stop == examples.SYMBOL["entry"]["stop"]


def test_the_market_says_nothing_of_what_follows() -> None:
    overview = aged(examples.OVERVIEW, docs.MarketOverview)
    assert (overview.forecast, overview.reasons) == (None, {"forecast": REASON})


def test_what_an_incident_found_is_no_forecast() -> None:
    alert = examples.ALERT | {"details": {"confidence": 0.7, "forecast": 0.4, "band": "stretched up", "claim": 1}}
    body = Document("alerts", msgspec.json.encode([alert]), Version(1, 1), 0, 10.0, 60.0).relabelled().body
    assert msgspec.json.decode(body)[0]["details"] == alert["details"]

"""The published documents: what each is called, how it is shaped, how long it lasts, and where it is served."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import msgspec

from virtuoso.model import documents as docs
from virtuoso.model.alerts import documents as alert_docs
from virtuoso.model.alpha_documents import AlphaDocument
from virtuoso.model.catalogue import alert_examples, empty_documents, examples, performance_example

_HOUR_S, _MINUTE_S = 3_600.0, 60.0
_FRESH_S: Final = 10.0
_FRESH_PASSES: Final = 3
_SYMBOL: Final = "{symbol}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedDocument:
    """A document, or one for each symbol where `name` holds `{symbol}`.

    Attributes:
        schema: its structure; of `alerts` that of each item.
        ttl_s: seconds after which it is gone unless it is published again.
        fresh_s: seconds after which it is shown as stale; `None` = never before it is gone.
        by_pass: fresh for some passes of the monitor instead, however long the interval is.
        path: where it is answered as it is published; `None` = by a route of its own, or not at all.
        summary: of the route, for people.
        streamed: whether `/api/stream` tells of it.
        empty: makes it with nothing in it, for before the first publication.
        example: a real answer, shortened.
        of_process: fields that tell of the process that published it and not of the market; `*` = all of them.
    """

    name: str
    schema: Any
    ttl_s: float = _HOUR_S
    fresh_s: float | None = None
    by_pass: bool = False
    path: str | None = None
    summary: str = ""
    streamed: bool = False
    empty: Callable[[], object] | None = None
    example: Any = None
    of_process: frozenset[str] = frozenset()

    def freshness_s(self, interval_s: float) -> float | None:
        """Seconds for which it is fresh where a pass is made every `interval_s` seconds."""
        return max(_FRESH_S, _FRESH_PASSES * interval_s) if self.by_pass else self.fresh_s


_ALL: Final = (
    PublishedDocument(
        name="signals", schema=docs.TopSignals, by_pass=True, streamed=True, empty=empty_documents.signals,
        example=examples.SIGNALS,
    ),
    PublishedDocument(
        name="signals:top", schema=docs.TopSignals, by_pass=True, empty=empty_documents.signals,
        example=examples.SIGNALS,
    ),
    PublishedDocument(
        name="signals:performance", schema=docs.SignalPerformance, path="/api/signals/performance",
        summary="How good forecasts and claims were, by what came of them",
        empty=empty_documents.signal_performance, example=performance_example.PERFORMANCE,
    ),
    PublishedDocument(
        name="overview", schema=docs.MarketOverview, by_pass=True, path="/api/market/overview",
        summary="The market at a glance", streamed=True, empty=empty_documents.overview, example=examples.OVERVIEW,
    ),
    PublishedDocument(
        name="dashboard", schema=docs.Dashboard, by_pass=True, path="/api/dashboard/data",
        summary="What a page needs at first sight", streamed=True, empty=empty_documents.dashboard,
        example=examples.DASHBOARD,
    ),
    PublishedDocument(
        name="alerts", schema=alert_docs.Alert, by_pass=True, streamed=True, empty=empty_documents.recent_alerts,
        example=[alert_examples.ALERT],
    ),
    PublishedDocument(
        name="symbols", schema=docs.SymbolList, by_pass=True, path="/api/symbols",
        summary="The universe, and why the others are left out", empty=empty_documents.symbols,
        example=examples.SYMBOLS,
    ),
    PublishedDocument(
        name=f"symbol:{_SYMBOL}", schema=docs.SymbolDetail, by_pass=True, example=examples.SYMBOL,
    ),
    PublishedDocument(
        name="regime", schema=docs.RegimeDocument, by_pass=True, path="/api/regime",
        summary="Regimes of the market and of each symbol", streamed=True, empty=empty_documents.regime,
        example=examples.REGIME,
    ),
    PublishedDocument(
        name="alpha", schema=AlphaDocument, path="/api/alpha",
        summary="Alpha, beta and correlation against BTC, tested", empty=empty_documents.alpha,
        example=examples.ALPHA,
    ),
    PublishedDocument(
        name="status", schema=docs.MonitoringStatus, fresh_s=_FRESH_S, path="/api/monitoring/status",
        summary="What the monitor is doing, measured", streamed=True, empty=empty_documents.status,
        example=examples.STATUS,
        of_process=frozenset({"instance", "build", "cycle", "memory_mb", "loop_lag_ms", "latency"}),
    ),
    PublishedDocument(
        name="health", schema=docs.Health, example=examples.HEALTH, of_process=frozenset({"*"}),
    ),
    PublishedDocument(name="ticks", schema=docs.Ticks, ttl_s=_MINUTE_S, streamed=True),
    PublishedDocument(
        name=f"book:{_SYMBOL}", schema=docs.Book, ttl_s=_MINUTE_S, fresh_s=_FRESH_S, example=examples.BOOK,
    ),
    PublishedDocument(
        name=f"tape:{_SYMBOL}", schema=docs.Tape, ttl_s=_MINUTE_S, fresh_s=_FRESH_S, example=examples.TAPE,
    ),
    PublishedDocument(
        name=f"depth:{_SYMBOL}", schema=docs.Depth, ttl_s=_MINUTE_S, fresh_s=_FRESH_S, example=examples.DEPTH,
    ),
    PublishedDocument(
        name="alerts:rules", schema=alert_docs.AlertRules, path="/api/alerts/rules",
        summary="Kinds and rules, as they are in force", empty=empty_documents.alert_rules,
        example=alert_examples.RULES,
    ),
    PublishedDocument(
        name="alerts:pipeline", schema=alert_docs.AlertPipeline, path="/api/alerts/pipeline",
        summary="Stages and channels", empty=empty_documents.alert_pipeline, example=alert_examples.PIPELINE,
    ),
    PublishedDocument(
        name="alerts:performance", schema=alert_docs.AlertPerformance, path="/api/alerts/performance",
        summary="What alerts were worth, and what interrupts people because of it",
        empty=empty_documents.alert_performance, example=alert_examples.PERFORMANCE,
    ),
)  # fmt: skip

DOCUMENTS: Final[Mapping[str, PublishedDocument]] = {document.name: document for document in _ALL}
STREAMED: Final = tuple(document.name for document in _ALL if document.streamed)
OF_A_SYMBOL: Final = tuple(name.removesuffix(f":{_SYMBOL}") for name in DOCUMENTS if name.endswith(f":{_SYMBOL}"))
"""The kinds of documents that there is one of for each symbol: streamed to whoever follows that symbol."""


def document_of(name: str) -> PublishedDocument:
    """Find the document of a name, also of one that is for a symbol.

    Raises:
        KeyError: no document is called so.
    """
    kind, colon, rest = name.partition(":")
    each = f"{kind}:{_SYMBOL}"
    return DOCUMENTS[each] if colon and rest and each in DOCUMENTS else DOCUMENTS[name]


@cache
def empty_body(name: str) -> bytes:
    """Encode the document `name` with nothing in it; its timestamp is the epoch, for it has never been written.

    Raises:
        KeyError: it is answered with nothing else before the first publication.
    """
    empty = DOCUMENTS[name].empty
    if empty is None:
        raise KeyError(name)
    return msgspec.json.encode(empty())

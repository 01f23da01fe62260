"""The ground floor: the typed, frozen words that every other room speaks."""

PUBLIC = (
    "alerts.added_rule", "alerts.documents", "alerts.documents.making", "alerts.documents.performance",
    "alerts.incident", "alerts.kind", "alerts.notice", "alerts.outbox", "alerts.outcome", "alerts.worth",
    "alpha_documents", "backtested", "catalogue.alert_examples", "catalogue.detectors", "catalogue.documents",
    "catalogue.examples", "catalogue.factors", "catalogue.kinds", "catalogue.lived",
    "catalogue.performance_example", "clock", "documents", "documents.depth", "documents.performance",
    "documents.prices", "documents.signal_detail", "documents.signals", "documents.tapes", "errors", "evidence",
    "feed", "feed_kind", "forecast", "installed.extras", "installed.zstd", "instrument", "market", "quality",
    "signal", "text.addresses", "text.bytes", "text.duration", "text.failures", "text.numbers",
    "text.token_hash", "text.yaml", "timeframe", "units", "views",
)  # fmt: skip
"""Modules that other rooms may import; the others are its own."""

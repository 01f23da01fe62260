"""A label that is served has fresh inputs; without them it is null, with its reason, and ranks nowhere."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec
import pytest
from msgspec.structs import replace

from virtuoso.market.state import Qualities
from virtuoso.model import documents as docs
from virtuoso.model.catalogue import examples
from virtuoso.model.forecast import Forecast
from virtuoso.model.quality import DataQuality
from virtuoso.model.signal import Band, Entry, Label
from virtuoso.monitor.documents.outlook import rank
from virtuoso.monitor.documents.publish import signal_item, symbol_detail
from virtuoso.storage.cache.document import Document, Version

CLOSE_MS = 1_800_000_000_000
ROW = msgspec.convert(examples.SYMBOLS["symbols"][0], docs.SymbolItem)
DETAIL = msgspec.convert(examples.SYMBOL, docs.SymbolDetail)


@dataclass
class Read:
    """A reading, as far as its row shows it."""

    signal: Label | None = Label.BUY
    band: Band | None = Band.UP
    quality: DataQuality = DataQuality.LIVE
    close_ms: int = CLOSE_MS
    reasons: tuple[str, ...] = ()
    score: float = 72.0
    score_percentile: float | None = 97.0
    past_closes: int = 500
    past_from_bars: int = 240
    confidence: float | None = 0.6
    claim: None = None
    lean: None = None
    forecast: Forecast | None = None
    agreement: float = 0.5
    coverage: float = 0.9
    attainable: float = 1.0
    evidence_class: str = "detailed"
    consensus: float = 0.5
    disagreement: float = 0.1
    factors: tuple = ()
    timeframes: tuple = ()
    alignment: None = None
    counterfactual: None = None
    entry: Entry = DETAIL.entry
    input_hash: str = ""
    why: tuple[str, ...] = ()


@dataclass
class Now:
    """A frame, as far as a row needs it."""

    exchange_ms: int
    base_ms: int = 60_000
    source: None = None
    now_ms: int = CLOSE_MS
    liquidations: Mapping[str, int] = field(default_factory=dict)
    qualities: Mapping[str, Qualities] = field(default_factory=dict)


def served(read: Read | None, age_s: float, quality: DataQuality = DataQuality.LIVE) -> docs.SignalItem:
    row = replace(ROW, data_quality=quality)
    return signal_item(row, read, Now(CLOSE_MS + round(age_s * 1000)))  # type: ignore[arg-type]


@pytest.mark.parametrize("age_s", [-2.0, 0.0, 62.0, 120.0])
@pytest.mark.parametrize("quality", [DataQuality.LIVE, DataQuality.DELAYED, DataQuality.PARTIAL])
def test_a_label_of_the_last_closes_on_fresh_data_is_served(age_s: float, quality: DataQuality) -> None:
    row = served(Read(), age_s, quality)
    assert (row.signal, row.data_quality) == (Label.BUY, quality)
    assert rank(row) == (0, -0.6)


@pytest.mark.parametrize(
    ("age_s", "quality", "reason"),
    [
        (121.0, DataQuality.LIVE, "the last reading is 121 s old"),
        (3_600.0, DataQuality.LIVE, "the last reading is 3600 s old"),
        (-3_600.0, DataQuality.LIVE, "the last reading lies 3600 s ahead of the exchange's time"),
        (5.0, DataQuality.STALE, "data is stale by now"),
        (5.0, DataQuality.UNAVAILABLE, "data is unavailable by now"),
    ],
)
def test_a_label_whose_inputs_went_stale_is_null_and_ranks_nowhere(
    age_s: float, quality: DataQuality, reason: str
) -> None:
    row = served(Read(), age_s, quality)
    assert row.signal is None
    assert row.reasons[0] == reason
    assert row.score == 72.0, "what was computed stays what it was"
    assert (row.band, row.confidence) == (None, None)
    assert rank(row)[0] == 3, "after all that have one"


@pytest.mark.parametrize(
    ("age_s", "quality", "told"),
    [(60.0, DataQuality.LIVE, True), (121.0, DataQuality.LIVE, False), (5.0, DataQuality.STALE, False)],
)
@pytest.mark.parametrize("band", [Band.UP, None], ids=["labelled", "forecast alone"])
def test_a_symbol_forecasts_only_from_fresh_bars(
    band: Band | None, age_s: float, quality: DataQuality, told: bool
) -> None:
    read = Read(signal=None if band is None else Label.HOLD, band=band, forecast=DETAIL.forecast)
    now = Now(CLOSE_MS + round(age_s * 1000), qualities={ROW.symbol: Qualities(quality, *3 * (DataQuality.LIVE,))})
    detail = symbol_detail(replace(ROW, data_quality=quality), read, None, now)  # type: ignore[arg-type]
    assert (detail.forecast is not None) == told
    assert (detail.signal.large_move is not None) == told
    assert detail.entry is not None
    assert (detail.entry.chances.stop_first is not None) == told
    assert (detail.entry.chances.reason is None) == told
    assert (detail.signal.reasons == ()) == told


def test_what_is_forecast_stands_without_a_label_where_bars_alone_are_fresh() -> None:
    """As in the first seconds of a start, when no stream has said anything, or while a book is lost."""
    read = Read(signal=Label.HOLD, forecast=DETAIL.forecast)
    bars_alone = Qualities(DataQuality.LIVE, *3 * (DataQuality.STALE,))
    now = Now(CLOSE_MS + 5_000, qualities={ROW.symbol: bars_alone})
    detail = symbol_detail(replace(ROW, data_quality=DataQuality.STALE), read, None, now)  # type: ignore[arg-type]
    assert detail.forecast is DETAIL.forecast
    assert detail.signal.large_move is not None
    assert (detail.signal.signal, detail.signal.band, detail.signal.confidence) == (None, None, None)
    assert detail.signal.reasons[0] == "data is stale by now"


def test_without_a_reading_there_is_no_label() -> None:
    row = served(None, 0.0)
    assert (row.signal, row.reasons) == (None, ("no bars have been scored yet",))
    assert msgspec.json.decode(msgspec.json.encode(row))["signal"] is None, "null, never absent"


def test_a_document_that_is_not_renewed_has_no_label_beside_its_stale_quality() -> None:
    signals: Mapping = {
        "signals": [served(Read(label), 1.0) for label in (*Label, None)],
        "reason": 'it says "signal":"BUY" in a text',
    }
    body = Document("signals", msgspec.json.encode(signals), Version(1, 1), 0, 10.0, 60.0).relabelled().body
    found = msgspec.json.decode(body)
    assert [(row["signal"], row["data_quality"]) for row in found["signals"]] == [(None, "stale")] * 4
    assert found["reason"] == signals["reason"]

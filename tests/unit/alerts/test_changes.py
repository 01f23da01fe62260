"""What changes of label and the market's regime are told as."""

from virtuoso.alerts.changes import observe_pressure, observe_signal
from virtuoso.alerts.incidents import IncidentLog
from virtuoso.alerts.stages.notices import no_context, over
from virtuoso.model.signal import Band, Label


def test_a_label_that_is_lost_ends_as_unknown_and_is_told_so() -> None:
    log = IncidentLog(10)
    said = {"score": 71.0, "agreement": 0.5, "price": 1.0}
    observe_signal(log, "BTCUSDT", None, Label.BUY, 1_000, **said)
    observe_signal(log, "BTCUSDT", Label.BUY, None, 61_000, **said)
    (ended,) = log.recent(1)
    assert (ended.state, ended.resolved_ms) == ("expired", 61_000)
    notice = over([ended], None, 61_000, no_context)
    assert notice.title == "No longer known: BTCUSDT: signal change"
    assert "whether it is still BUY is unknown" in notice.text
    observe_signal(log, "BTCUSDT", None, Label.HOLD, 121_000, **said)
    assert not log.open()


def test_an_incident_names_the_signal_that_it_is_of_or_that_stood() -> None:
    log = IncidentLog(10)
    observe_signal(log, "BTCUSDT", None, Label.BUY, 1_000, score=71.0, agreement=0.5, price=1.0, signal_id="ab" * 16)
    observe_pressure(log, "BTCUSDT", None, Band.UP, 2_000, 80.0, "ab" * 16)
    observe_pressure(log, "ETHUSDT", None, Band.UP, 2_000, 80.0)
    assert [each.signal_id for each in log.recent()] == [None, "ab" * 16, "ab" * 16]
    for each in log.recent():
        assert log.get(each.id) == each
    assert log.get("0" * 16) is None

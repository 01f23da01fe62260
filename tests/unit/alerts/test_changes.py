"""What changes of label and the market's regime are told as."""

from virtuoso.alerts.changes import observe_signal
from virtuoso.alerts.incidents import IncidentLog
from virtuoso.alerts.stages.notices import no_context, over
from virtuoso.model.signal import Label


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

"""Messages lead to the page of their incident, and of the signal that it is of."""

from virtuoso.alerts.changes import observe_signal
from virtuoso.alerts.incidents import IncidentLog
from virtuoso.alerts.policy import Policy
from virtuoso.alerts.stages.pipeline import Pipeline, PipelineSettings
from virtuoso.alerts.stages.stage_state import Route
from virtuoso.model.alerts.incident import Severity
from virtuoso.model.clock import ManualClock
from virtuoso.model.signal import Label
from virtuoso.monitor.alerting.alerting import Alerting

SIGNAL = "ab" * 16


def linked(public_url: str | None) -> list[tuple[str | None, str | None]]:
    """The links of the messages of a signal and of something else, in this order."""
    log, policies = IncidentLog(10, policies=lambda _: Policy(cooldown_ms=0)), lambda _: Policy(cooldown_ms=0)
    pipeline = Pipeline(PipelineSettings(), (Route(channel="phone"),), policies=policies)
    alerting = Alerting(log, pipeline, ManualClock(1_000_000_000), public_url=public_url)
    observe_signal(log, "A", None, Label.BUY, 1_000, score=71.0, agreement=0.5, price=1.0, signal_id=SIGNAL)
    log.fire("sudden_move", Severity.CRITICAL, "B up", 1_000, symbol="B", side="up")
    found = sorted(alerting.decide(), key=lambda each: each.notice.kind)
    return [(each.notice.link, each.notice.signal_link) for each in found]


def test_the_message_of_a_signal_leads_to_it() -> None:
    (of_signal, signal), (other, none) = linked("https://desk.example.org/")
    assert (of_signal or "").startswith("https://desk.example.org/alerts/")
    assert signal == f"https://desk.example.org/signals/{SIGNAL}"
    assert (other or "").startswith("https://desk.example.org/alerts/")
    assert none is None


def test_without_an_address_there_are_no_links() -> None:
    assert linked(None) == [(None, None)] * 2

"""A desk of alerts under test: log, pipeline, and what is committed of them."""

from collections.abc import Sequence
from typing import Any

import msgspec

from virtuoso.alerts.incidents import IncidentLog
from virtuoso.alerts.policy import Policy
from virtuoso.alerts.stages.budget import BudgetSettings, BudgetState
from virtuoso.alerts.stages.pipeline import Pipeline, PipelineSettings
from virtuoso.alerts.stages.stage_state import Route
from virtuoso.model.alerts.incident import Incident, Severity, Silence
from virtuoso.model.alerts.notice import Context, Delivery, Role

S = 1_000
T0 = 1_748_476_800_000
INFO, WARNING, CRITICAL = Severity
LONGEST_MS = 43_200_000
ROUTES = (Route(channel="general", system=False), Route(channel="ops", market=False, least=WARNING))


class Desk:
    """Log, pipeline, and what is committed: rows as the database gives them back."""

    def __init__(
        self,
        policies: dict[str, Policy] | None = None,
        routes: Sequence[Route] = ROUTES,
        budget: BudgetSettings | None = None,
    ) -> None:
        self.policies, self.routes, self.budget = policies or {}, routes, budget
        self.kept: bytes | None = None
        self.rows: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.told: list[Delivery] = []
        self.start()

    def start(self) -> None:
        def policy_of(kind: str) -> Policy:
            return self.policies.get(kind, Policy())

        self.log = IncidentLog(1_000, exchange="bybit", policies=policy_of)
        self.pipeline = Pipeline(
            PipelineSettings(budget=self.budget), self.routes, policies=policy_of, context=self.context
        )  # fmt: skip

    def context(self, incident: Incident) -> Context | None:
        assert incident.symbol is not None
        self.asked.append(incident.symbol)
        return Context(symbol=incident.symbol, price=1.0)

    def fire(self, kind: str, at_s: float, severity: Severity = INFO, symbol: str | None = "X", **more: Any) -> str:
        found = self.log.fire(kind, severity, f"{symbol} {kind}", T0 + int(at_s * S), symbol=symbol, **more)
        return "" if found is None else found.id

    def step(self, at_s: float, silences: Sequence[Silence] = ()) -> list[Delivery]:
        found = self.pipeline.step(self.log, T0 + int(at_s * S), silences)
        for incident in self.log.take_changed():
            self.rows[incident.id] = msgspec.json.encode(incident)
        if self.pipeline.budget is not None:
            self.kept = msgspec.json.encode(self.pipeline.budget.state)
        return list(found)

    def row(self, incident_id: str) -> Incident:
        return msgspec.json.decode(self.rows[incident_id], type=Incident)

    def why(self, incident_id: str) -> tuple[str, str, str | None]:
        incident = self.row(incident_id)
        return incident.path[-1].stage, incident.path[-1].reason, incident.suppressed_by

    def restart(self, at_s: float) -> None:
        now_ms = T0 + int(at_s * S)
        rows = [self.row(each) for each in self.rows]
        kept = [
            i for i in rows
            if i.resolved_ms is None or i.suppressed_by is not None
            or (i.notified and now_ms - i.notified.at_ms < LONGEST_MS)
        ]  # fmt: skip
        self.start()
        if self.pipeline.budget is not None and self.kept is not None:
            self.pipeline.budget.resume(msgspec.json.decode(self.kept, type=BudgetState))
        self.pipeline.resume(self.log.resume(sorted(kept, key=lambda i: i.fired_ms)), now_ms)


def silence(matcher: dict[str, str], from_s: int = 0, until_s: int = 1_000) -> Silence:
    return Silence(
        id="s1", matcher=matcher, created_ms=T0, starts_ms=T0 + from_s * S, ends_ms=T0 + until_s * S, author="ann"
    )


def roles(found: Sequence[Delivery]) -> list[tuple[Role, int]]:
    return [(each.notice.role, len(each.notice.incidents)) for each in found]

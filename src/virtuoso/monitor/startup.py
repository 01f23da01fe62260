"""Brings a kernel to its first signals: what earlier runs kept, then the universe, its history and a first pass."""

import asyncio
from collections.abc import Callable

import numpy as np
import structlog

from virtuoso.exchange.supervise import Backoff
from virtuoso.market.universe.choice import UniverseRules
from virtuoso.model.clock import iso
from virtuoso.model.errors import ExchangeError, StoreUnavailable
from virtuoso.model.evidence import DETAILED, PLAIN
from virtuoso.monitor.alerting.root import AlertRoot
from virtuoso.monitor.kernel import Kernel
from virtuoso.monitor.streaming import Streaming
from virtuoso.monitor.vitals import Vitals
from virtuoso.storage.stores import Stores

log = structlog.get_logger(__name__)

_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 10.0


async def resume(kernel: Kernel, alerts: AlertRoot, stores: Stores | None) -> None:
    """Go on from what earlier runs kept: incidents, labels, regimes and the past that scores are ranked in."""
    notified_since_ms = kernel.now_ms() - alerts.policies.longest_cooldown_ms
    recalled = await kernel.committer.recall(notified_since_ms)
    kept, incidents = recalled.state, recalled.incidents
    now_ms = kernel.now_ms()
    alerts.take_added(recalled.rules)  # else what is open of them would count as of rules that are gone
    if stores is None:
        alerts.alerting.resume(incidents, None, stored=recalled.alerts, outcomes=recalled.outcomes)
    else:
        lease = stores.lease
        alerts.alerting.resume(
            incidents,
            lease.watched_ms,
            was_stopped=lease.was_stopped,
            stored=recalled.alerts,
            outcomes=recalled.outcomes,
        )
    for part in kernel.incidents.open_parts("task_died"):
        kernel.incidents.resolve("task_died", now_ms, part=part)
    kernel.detection.resume(incidents, kernel.clock.now_ns())
    kernel.cycle.pressure.resume({} if kept is None else kept.checkpoints)
    kernel.cycle.regimes.resume(None if kept is None else kept.regimes, recalled.transitions)
    recorded, until_ms = ({}, 0) if kept is None else (kept.recorded, kept.close_ms)
    kernel.results.signals.resume(recorded, until_ms, recalled.labels)
    await _resume_lived(kernel)
    kernel.recall_past(recalled.past)
    kernel.recall_outlook(recalled.outlook)
    if kept is not None:
        loader = kernel.watch.loader
        loader.checkpoints, loader.stood_ms = kept.checkpoints, kept.close_ms
        log.info("resumed", close=iso(kept.close_ms), symbols=len(kept.checkpoints))


async def _resume_lived(kernel: Kernel) -> None:
    """Know what was said of the last closes, so that it is kept once; later the database itself sees to that."""
    try:
        await kernel.lived.resume(kernel.now_ms())
    except StoreUnavailable as error:
        log.warning("what was said before the start could not be read", error=str(error))


async def first_signals(
    kernel: Kernel, streaming: Streaming, vitals: Vitals, rules: Callable[[], UniverseRules]
) -> None:
    """Ask until the exchange answers: universe, history, and the first analysis from it.

    Args:
        kernel: brought to its first signals.
        streaming: told what to feed.
        vitals: says what is waited for.
        rules: those of the universe, once the exchange's clock is measured.
    """
    backoff = Backoff(np.random.default_rng(), first_s=_FIRST_WAIT_S, cap_s=_LONGEST_WAIT_S)
    await kernel.cycle.publish()
    while True:
        try:
            await kernel.exchange.measure_clock()
            kernel.watch.rules = rules()
            universe = await kernel.watch.choose()
            vitals.state = "starting"
            break
        except ExchangeError as error:
            wait_s = backoff.next_s()
            vitals.state = f"waiting for the exchange: {error}"
            log.warning("the exchange cannot be reached; trying again", error=str(error), wait_s=round(wait_s, 2))
            kernel.outage.lost(0, str(error), kernel.now_ms())
            kernel.outage.observe(kernel.incidents, kernel.now_ms())
            kernel.health.tried()
            await kernel.cycle.publish()
            await asyncio.sleep(wait_s)
    await kernel.watch.adopt(universe)
    await streaming.feed()
    await kernel.cycle.run()
    if not kernel.cycle.evaluations:
        log.warning("no symbol could be scored from its history yet")


def classes(kernel: Kernel) -> dict[str, int | float]:
    """How many symbols were scored, and for each class of them how many and the coverage that they can have."""
    readings = [evaluation.reading(symbol) for symbol, evaluation in kernel.cycle.evaluations.items()]
    found: dict[str, int | float] = {"symbols": len(readings)}
    for kind in (DETAILED, PLAIN):
        of_kind = [reading for reading in readings if reading.evidence_class == kind]
        found[kind] = len(of_kind)
        if of_kind:
            found[f"{kind}_coverage_at_most"] = round(of_kind[0].attainable, 3)
    return found

"""What the alert stages cost; a JSON object for each line of input.

500 symbols × 20 kinds fire within half a second; three silences are in force. `all_ms` is from the first of 10,000
incidents handed to the stages until all of them are told: twenty leaders at once, and the others when their groups
have waited. `apart_ms` is 1,000 incidents of kinds of their own, each a notice for two channels. The garbage
collector is set as the monitor sets it.
"""

import gc
import json
import sys
import time

from virtuoso.alerts.incidents import IncidentLog
from virtuoso.alerts.policy import default_policy
from virtuoso.alerts.stages.pipeline import Pipeline, PipelineSettings
from virtuoso.alerts.stages.stage_state import Route
from virtuoso.model.alerts.incident import Severity, Silence

KINDS, SYMBOLS = 20, 500
AT_MS = 1_748_476_800_000
ROUTES = (Route(channel="general", system=False), Route(channel="console"))
SILENCES = tuple(
    Silence(
        id=f"s{i}", matcher=matcher, created_ms=AT_MS, starts_ms=AT_MS, ends_ms=AT_MS + 3_600_000, author="somebody"
    )
    for i, matcher in enumerate(({"kind": "other"}, {"symbol": "Z*"}, {"kind": "kind_3", "symbol": "S99?"}))
)  # fmt: skip


def fired(kinds: int, symbols: int) -> IncidentLog:
    log = IncidentLog(1_000, exchange="bybit")
    for kind in range(kinds):
        for i in range(symbols):
            severity = tuple(Severity)[i % 3]
            log.fire(f"kind_{kind}", severity, "it happened", AT_MS + i, symbol=f"S{i}", side="up", value=float(i))
    gc.collect()
    gc.freeze()
    return log


def told(log: IncidentLog, *after_ms: int) -> tuple[float, int]:
    """Milliseconds that the steps take, and how many incidents they tell of in the first channel."""
    pipeline = Pipeline(PipelineSettings(), ROUTES, policies=default_policy)
    begin = time.perf_counter()
    deliveries = [each for after in after_ms for each in pipeline.step(log, AT_MS + after, SILENCES)]
    took_ms = (time.perf_counter() - begin) * 1e3
    return took_ms, sum(len(each.notice.incidents) for each in deliveries if each.channel == ROUTES[0].channel)


def main() -> None:
    gc.set_threshold(20_000, 20, 50)
    for _ in sys.stdin:
        all_ms, count = told(fired(KINDS, SYMBOLS), 600, 6_000)
        apart_ms, apart = told(fired(1_000, 1), 600)
        print(json.dumps({"all_ms": all_ms, "incidents": count, "apart_ms": apart_ms, "apart": apart}), flush=True)


if __name__ == "__main__":
    main()

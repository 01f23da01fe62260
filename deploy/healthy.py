"""Health check of a container: `healthy.py web URL` or `healthy.py monitor FILE`; exit code 0 or 1, and why.

The web is well when it answers, whatever it says of the monitor. The monitor is well when it completes cycles, as
published to the shared cache: the same judgement as `/health/live`, without a web in between. What restarting does not
mend (no data, an empty universe) is for `/health`.
"""
# ruff: noqa: PLC0415, S310, T201

import asyncio
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path


def web(url: str) -> str | None:
    """What is wrong with the web at an address."""
    try:
        with urllib.request.urlopen(f"{url}/health/live", timeout=4):  # open without a token
            return None
    except urllib.error.HTTPError as answer:
        return None if answer.code == 503 else str(answer)
    except OSError as error:
        return str(error)


async def monitor(config: Path) -> str | None:
    """What is wrong with the monitor of a configuration."""
    from virtuoso.config import load
    from virtuoso.model.clock import SystemClock
    from virtuoso.storage.cache.memory import MemoryCache
    from virtuoso.storage.cache.replica import Replica
    from virtuoso.web.published_health import PublishedHealth
    from virtuoso.wiring.stores import tiers_for

    clock = SystemClock()
    cache = MemoryCache(clock)
    replica = Replica(cache, tiers_for(load([config], os.environ)), clock)
    try:
        await replica.warm(4.0)
    finally:
        await replica.close()
    health = PublishedHealth(cache)
    return None if health.live else "; ".join(health.document().reasons)


def main() -> int:
    """Judge."""
    match sys.argv[1:]:
        case ["web", url]:
            wrong = web(url)
        case ["monitor", config]:
            wrong = asyncio.run(monitor(Path(config)))
        case _:
            wrong = "say `web URL`, or `monitor FILE`"
    print(wrong or "ok")
    return int(wrong is not None)


if __name__ == "__main__":
    sys.exit(main())

"""`/metrics`: what the published documents say, for Prometheus."""

import asyncio
from typing import TypeVar

import msgspec
from fastapi import APIRouter, Response
from prometheus_client import CollectorRegistry, ProcessCollector

from virtuoso.model.alerts.documents.making import AlertPipeline
from virtuoso.model.documents import MonitoringStatus, SignalPerformance
from virtuoso.operations.exposition import CONTENT_TYPE, Published, exposition
from virtuoso.storage.cache.memory import MemoryCache
from virtuoso.web.routes.health import Judged

T = TypeVar("T")


def router(cache: MemoryCache, health: Judged) -> APIRouter:
    """Make the route; it reads whatever the cache holds at that moment."""
    routes = APIRouter()
    of_process = CollectorRegistry()
    ProcessCollector(namespace="virtuoso_web", registry=of_process)

    @routes.get("/metrics", summary="What there is to measure, for Prometheus", include_in_schema=False)
    async def metrics() -> Response:
        published = Published(
            health=health.document(),
            status=_held(cache, "status", MonitoringStatus),
            pipeline=_held(cache, "alerts:pipeline", AlertPipeline),
            performance=_held(cache, "signals:performance", SignalPerformance),
        )
        # Of six hundred symbols it takes tens of milliseconds: not on the loop that answers everybody.
        return Response(await asyncio.to_thread(exposition, published, of_process), media_type=CONTENT_TYPE)

    return routes


def _held(cache: MemoryCache, name: str, schema: type[T]) -> T | None:
    document = cache.get(name)
    return None if document is None else msgspec.json.decode(document.body, type=schema)

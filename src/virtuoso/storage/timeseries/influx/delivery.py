"""A batch to the server: what it refuses is found line by line, the rest is kept."""

import asyncio
import zlib
from collections.abc import Sequence

from virtuoso.storage.timeseries.influx.batch import compress
from virtuoso.storage.timeseries.influx.client import InfluxClient, Refused
from virtuoso.storage.timeseries.influx.lines import split_lines


async def deliver(client: InfluxClient, body: bytes) -> list[tuple[bytes, str]]:
    """Post a body; when it is refused, halve it until the refused lines stand alone.

    Servers differ in what they keep of a batch with a bad line, and InfluxDB 1.6 miscounts it; posting a line twice
    changes nothing, so nothing need be trusted. At most two posts a line, and log₂ of their number for a single one.

    Returns:
        The refused lines, each with the server's reason.

    Raises:
        StoreUnavailable: the server stopped answering; any part may have been kept.
    """
    try:
        await client.post(body)
    except Refused as refused:
        lines = await asyncio.to_thread(lambda: split_lines(zlib.decompress(body, 31)))
        return await _divide(client, lines, str(refused))
    return []


async def _divide(client: InfluxClient, lines: Sequence[bytes], reason: str) -> list[tuple[bytes, str]]:
    if len(lines) == 1:
        return [(lines[0], reason)]
    bad = []
    middle = len(lines) // 2
    for half in (lines[:middle], lines[middle:]):
        try:
            await client.post(await asyncio.to_thread(compress, half))
        except Refused as refused:
            bad += await _divide(client, half, str(refused))
    return bad

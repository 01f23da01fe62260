"""Asks the exchange itself for its clock and prices, where it speaks Bybit's REST."""

from collections.abc import AsyncIterator, Sequence
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import quote, urlsplit

from virtuoso.operations.validate.samples import Sample
from virtuoso.operations.validate.sampling.asking import Asker

TIME: Final = "/v5/market/time"
TICKERS: Final = "/v5/market/tickers"
_BANNED: Final = 403


def address_of(status: Any, *, here: bool) -> tuple[str | None, str | None]:
    """The exchange's address as the deployment names it, or why it cannot be asked.

    Args:
        status: the deployment's status document.
        here: whether the deployment runs on this machine; an address of its own machine is of no use elsewhere.
    """
    exchange = status.get("exchange") if isinstance(status, dict) else None
    if not isinstance(exchange, dict):
        return None, "the deployment does not say which exchange it watches"
    address, name = str(exchange.get("address") or ""), exchange.get("name")
    if name != "bybit":
        return None, f"only Bybit's REST is known here, and the deployment watches {name}"
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"}:
        return None, "the deployment does not say the exchange's address"
    if not here and _of_its_machine(parts.hostname or ""):
        return None, f"{address} is an address of the deployment's own machine, which is another than this"
    return address, None


def _of_its_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class ExchangeAsker:
    """Asks for the time and for a few tickers; after a 403 it asks no more, which would make it worse."""

    def __init__(self, asker: Asker, category: str) -> None:
        self._asker = asker
        self._category = category
        self._banned = False

    async def samples(self, symbols: Sequence[str]) -> AsyncIterator[Sample]:
        """The answers now, one by one as they come; none once it said that there were too many requests."""
        paths = [
            TIME,
            *(f"{TICKERS}?category={self._category}&symbol={quote(each, safe='')}" for each in symbols),
        ]
        for path in paths:
            if self._banned:
                break
            found = await self._asker.ask(path)
            self._banned = found.status == _BANNED
            yield found

"""Publishes a document of each symbol whose book and trades are watched, beside the cycle."""

from collections.abc import Callable

import msgspec

from virtuoso.market.state import MarketState
from virtuoso.monitor.documents.publication import Publication
from virtuoso.monitor.watching.watch import Watch


class DetailedPublisher:
    """Publishes a document of each detailed symbol, unchanged ones too: their age is told by when they were published.

    Args:
        kind: what is published, as the catalogue names it before the symbol: `book`, `tape`.
        document: makes it of a symbol; one that raises is left out, and its symbol contained.
        market: holds the symbols.
        watch: knows which of them are detailed.
        publication: where documents go.
    """

    def __init__(
        self, kind: str, document: Callable[[str], msgspec.Struct], market: MarketState, watch: Watch,
        publication: Publication,
    ) -> None:  # fmt: skip
        self._kind = kind
        self._document = document
        self._market = market
        self._watch = watch
        self._publication = publication
        self._encoder = msgspec.json.Encoder()

    def publish(self) -> None:
        """Publish the documents as they are now."""
        symbols = [symbol for symbol in self._watch.detailed if symbol in self._market]
        if self._publication.unseen:
            self._publication.passed_over(len(symbols))
            return
        bodies = {}
        for symbol in symbols:
            body = self._watch.contained.attempt(symbol, f"its {self._kind}", self._body, symbol)
            if body is not None:
                bodies[f"{self._kind}:{symbol}"] = body
        self._publication.publish_all(bodies)

    def _body(self, symbol: str) -> bytes:
        return self._encoder.encode(self._document(symbol))

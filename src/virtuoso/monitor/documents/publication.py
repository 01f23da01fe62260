"""Puts documents into the cache as the catalogue says. There is no other way in."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from virtuoso.model.catalogue.documents import document_of
from virtuoso.storage.cache.memory import MemoryCache, Version


class Publication:
    """Publishes the documents of one monitor, on its event loop. Versions rise from publication to publication.

    Args:
        cache: where they go.
        epoch: of this monitor's term: documents of a higher one win.
        interval_s: between passes, by which their documents are fresh.
        ages: whether documents are shown as stale when they are old; not in a replay, whose clock jumps.
    """

    def __init__(self, cache: MemoryCache, epoch: int, interval_s: float, *, ages: bool = True) -> None:
        self.cache = cache
        self.epoch = epoch
        self.interval_s = interval_s
        self.unseen = False
        """Whether what is published once a second now is replaced before anything looks at it, as in a replay far from
        its next pass. It need not be made then, and is `passed_over`."""
        self._ages = ages
        self._sequence = 0
        self._encoder = msgspec.json.Encoder()

    def publish(self, name: str, document: Any) -> None:
        """Encode one document and publish it.

        Raises:
            KeyError: the catalogue has no document of this name.
        """
        self.publish_all({name: self._encoder.encode(document)})

    def offer(self, documents: Mapping[str, Callable[[], Any]]) -> None:
        """Make, encode and publish documents, unless nobody would see them.

        Raises:
            KeyError: the catalogue has no document of a name.
        """
        if self.unseen:
            self.passed_over(len(documents))
        else:
            self.publish_all({name: self._encoder.encode(make()) for name, make in documents.items()})

    def passed_over(self, documents: int) -> None:
        """Count documents that were not made, as nobody would have seen them."""
        self._sequence += 1
        self.cache.puts += documents

    def publish_all(self, bodies: Mapping[str, bytes]) -> None:
        """Publish documents that belong together under one version, encoded.

        Raises:
            KeyError: the catalogue has no document of a name.
        """
        self._sequence += 1
        version = Version(self.epoch, self._sequence)
        for name, body in bodies.items():
            entry = document_of(name)
            fresh_s = entry.freshness_s(self.interval_s) if self._ages else None
            self.cache.put(name, body, version, entry.ttl_s, fresh_s)

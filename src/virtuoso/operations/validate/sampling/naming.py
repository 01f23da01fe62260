"""What stands for the parameters of documented paths: names that the deployment tells, asked for until there is one."""

from typing import Any

from virtuoso.operations.validate.samples import Route
from virtuoso.operations.validate.sampling.asking import Asker
from virtuoso.operations.validate.sampling.routes import lists, named, routes_of, wanted


class Naming:
    """The requests of an OpenAPI document, and the symbols that are watched.

    Attributes:
        symbols: those that are watched, in the order in which they came, so that the same ones go on being asked for.
        routes: every documented operation with the request that stands for it now.
    """

    def __init__(self, document: Any) -> None:
        self._document = document
        self._names: dict[str, str] = {}
        self.symbols: tuple[str, ...] = ()
        self.routes: tuple[Route, ...] = ()

    def watched(self, body: Any) -> None:
        """Take the symbols of an answer of `/api/symbols`; one that holds none changes nothing."""
        items = body.get("symbols") if isinstance(body, dict) else None
        now = dict.fromkeys(str(item.get("symbol")) for item in items or () if isinstance(item, dict))
        if now:
            stayed = dict.fromkeys(symbol for symbol in self.symbols if symbol in now)
            self.symbols = tuple(stayed | now)

    async def look_up(self, asker: Asker) -> bool:
        """Ask for what has no name yet, and take another symbol where one left; whether a request is another now."""
        if self.symbols:
            self._names["symbol"] = self.symbols[0]
        for parameter in wanted(self._document) - self._names.keys():
            if (path := lists(parameter)) and (name := named(parameter, (await asker.ask(path)).body)):
                self._names[parameter] = name
        before, self.routes = self.routes, routes_of(self._document, self._names)
        return self.routes != before

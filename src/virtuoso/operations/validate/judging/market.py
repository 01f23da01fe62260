"""What is served of the market: minutes that go on being closed of every symbol, and books that can be."""

from typing import Final

from virtuoso.model.clock import iso
from virtuoso.model.text.numbers import counted
from virtuoso.operations.validate.judging.words import Judge, naming, seconds
from virtuoso.operations.validate.report import Section
from virtuoso.operations.validate.samples import SIGNALS, Samples, moment

_MINUTE_MS: Final = 60_000.0
_BEHIND_MS: Final = 15_000.0
"""For so long a symbol may be a close behind the others: late bars are asked for, and stepped alone."""
_CLOSE_MS: Final = 150_000.0


def closes(samples: Samples) -> Section:
    """Whether minutes go on being closed of every symbol, by the exchange's time that readings carry."""
    judge = Judge("Closes of minutes")
    last: dict[str, tuple[float, float]] = {}
    since, latest = dict[str, float](), 0.0
    behind: dict[str, tuple[float, float]] = {}
    for one in samples.good(SIGNALS):
        at = moment(one.at) or 0.0
        items = {str(item.get("symbol")): moment(item.get("timestamp")) for item in one.body.get("signals") or ()}
        told = {symbol: close for symbol, close in items.items() if close is not None}
        latest = max([latest, *told.values()])
        for symbol, close in told.items():
            if close > last.get(symbol, (0.0, 0.0))[0]:
                last[symbol] = (close, at)
            if latest - close < _MINUTE_MS:
                since.pop(symbol, None)
                continue
            lasted = at - since.setdefault(symbol, at)
            if lasted >= _BEHIND_MS:
                most = max(latest - close, behind.get(symbol, (0.0, 0.0))[0])
                behind[symbol] = (most, max(lasted, behind.get(symbol, (0.0, 0.0))[1]))
    if not last:
        judge.unknown("closes of all symbols go on", "no signal carries the close that it is of")
        return Section(title="Closes of minutes", checks=tuple(judge.checks))
    judge.holds(
        "closes of all symbols go on", not behind,
        naming(
            f"{symbol} fell {seconds(most / 1000)} behind the others, for {seconds(lasted / 1000)}"
            for symbol, (most, lasted) in behind.items()
        )
        or f"{counted(len(last), 'symbol')}, the last at {iso(latest)}",
        "minutes of them are missing: see `bar` in the feeds, and `universe.bars` of the status",
    )  # fmt: skip
    newest = max(at for _, at in last.values())
    judge.holds(
        "closes go on to the end", samples.ended_ms - newest <= _CLOSE_MS or samples.seconds < 150,
        f"the last new close came {seconds((samples.ended_ms - newest) / 1000)} before the end",
        "no bars are closed any more",
    )  # fmt: skip
    return Section(title="Closes of minutes", checks=tuple(judge.checks))


def books(samples: Samples) -> Section:
    """Order books: never crossed, and numbered upwards."""
    judge = Judge("Order books")
    known: dict[str, tuple[int, str | None]] = {}
    crossed, again = [], []
    for one in samples.books:
        body = one.body if isinstance(one.body, dict) else {}
        bids, asks, number = body.get("bids"), body.get("asks"), body.get("update_id")
        symbol = str(body.get("symbol"))
        if bids and asks and bids[0][0] >= asks[0][0]:
            crossed.append(f"{symbol} at {one.at}")
        if isinstance(number, int):
            before = known.get(symbol)
            if before is not None and number < before[0] and (body.get("updated_at") or "") >= (before[1] or ""):
                again.append(f"{symbol} from {before[0]} to {number} at {one.at}")
            known[symbol] = (number, body.get("updated_at"))
    if not known:
        judge.unknown("no book is crossed", "no book came")
        return Section(title="Order books", checks=tuple(judge.checks))
    judge.holds(
        "no book is crossed", not crossed, naming(crossed) or f"{len(samples.books)} books of {len(known)} symbols",
        "a crossed book must be dropped before it is served",
    )  # fmt: skip
    if again:
        judge.observed("books are numbered upwards", f"the exchange began its books anew: {naming(again)}")
    return Section(title="Order books", checks=tuple(judge.checks))

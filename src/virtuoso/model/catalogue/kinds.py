"""The built-in kinds of incidents: what each is about, what it means, and what to look at then.

A rule of the user's is a kind of its own, named by him.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class About(StrEnum):
    """What a kind is about: the market, or the program and its surroundings."""

    MARKET = "market"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class AlertKind:
    """One kind.

    Attributes:
        name: as in the configuration, the API and the database.
        title: for people.
        meaning: one sentence on what happened.
        check: one sentence on what to look at first.
        outage: whether it says that a whole exchange is out, which explains whatever its symbols show meanwhile.
    """

    about: About
    name: str
    title: str
    meaning: str
    check: str
    outage: bool = False


def _market(name: str, title: str, meaning: str, check: str) -> AlertKind:
    return AlertKind(About.MARKET, name, title, meaning, check)


def _system(name: str, title: str, meaning: str, check: str, *, outage: bool = False) -> AlertKind:
    return AlertKind(About.SYSTEM, name, title, meaning, check, outage)


_ALL: Final = (
    _market("alpha_beta_expansion", "Beta expansion", "A symbol moves much more with BTC than it used to.",
            "Compare its beta and correlation in `/api/alpha`."),
    _market("alpha_breakout", "Alpha breakout", "A symbol gains or loses against BTC beyond what chance explains.",
            "Look at its alpha and standard error in `/api/alpha`."),
    _market("alpha_correlation_breakdown", "Correlation breakdown", "A symbol no longer moves with BTC as it did.",
            "Look for news of that symbol; compare the correlations in `/api/alpha`."),
    _market("book_wall", "Book wall", "An order near the touch is far larger than this book usually holds.",
            "Watch whether it stays as the price comes nearer: walls are often taken away."),
    _market("funding_extreme", "Funding extreme", "The funding rate is far from what this symbol usually pays.",
            "See who pays whom, and when it settles next."),
    _market("liquidation", "Large liquidation", "A position was liquidated that is large for this symbol.",
            "Look at the liquidations and the open interest around it."),
    _market("liquidation_cascade", "Liquidation cascade", "Liquidations of one side follow each other quickly.",
            "Expect thin books; see whether several symbols are in it."),
    _market("open_interest_surge", "Open interest surge", "Open interest changed far more than it usually does.",
            "Compare with the price: new positions, or positions closed."),
    _market("regime_change", "Regime change", "The market's regime is another one than before.",
            "See the probabilities and breadth in `/api/regime`."),
    _market("signal_change", "Signal change", "The label of a symbol changed.",
            "Read the reasons with `virtuoso analyze SYMBOL`."),
    _market("spread_blowout", "Spread blow-out", "The spread is far wider than usual, and stays so.",
            "Do not trust market orders in it; see whether the book is thin on one side."),
    _market("sudden_move", "Sudden move", "The price moved faster than its own volatility allows for.",
            "See whether other symbols moved too, and who led."),
    _market("volume_spike", "Volume spike", "A minute's volume is far above what this time of day usually has.",
            "Compare with the price move and the sides of the takers."),
    _market("whale_trade", "Whale trade", "One order traded more than this symbol sees in hours.",
            "See its side, and what price and book did after it."),
    _system("auth_failures", "Wrong tokens", "Somebody gives wrong tokens to the API.",
            "Find the client named in it; change the token if it may be known."),
    _system("bars_corrected", "Bars corrected", "Closed bars differed from the exchange's, which took their place.",
            "Signals of those minutes were computed anew; nothing needs to be done."),
    _system("history_restarted", "History restarted", "A symbol's history began anew: it became another contract.",
            "Look for a redenomination or a new listing of that symbol."),
    _system("channel_down", "Channel down", "A channel cannot deliver, or its address is gone.",
            "Check its address and token with `virtuoso alerts test`."),
    _system("clock_skew", "Clock skew", "This machine's clock and the exchange's differ too much.",
            "Check the time service of this machine (chrony, systemd-timesyncd)."),
    _system("cpu", "CPU load", "The processor has been busy for too long.",
            "See which process is busy, and whether cycles are slow."),
    _system("disk", "Disk space", "The disk of the data folder is nearly full.",
            "Make room, or shorten `timeseries.retention`."),
    _system("exchange_clock", "Exchange clock", "The exchange's clock jumped or stands still, and is not believed.",
            "See the exchange's status page; nothing is analysed by a clock that is doubted."),
    _system("failed_cycle", "Cycle failed", "A pass of the monitor failed; the next one is tried all the same.",
            "Read the error in the log; report it if it goes on."),
    _system("include_unknown", "Unknown symbol", "`universe.include` names what the exchange does not list.",
            "Correct the name; the alert says which may be meant."),
    _system("list_doubted", "List doubted", "A list of the exchange is empty or much shorter than before.",
            "The last known list stands; see the exchange's status page if it goes on."),
    _system("loop_lag", "Event loop lag", "The event loop is late: something holds it up.",
            "See the machine's load and the number of symbols."),
    _system("maintenance", "Maintenance", "The exchange says that it is under maintenance.",
            "See its status page; everything goes on by itself when it is back.", outage=True),
    _system("memory", "Memory", "The machine's memory is nearly full.",
            "See which process takes it; watch fewer symbols if it is this one."),
    _system("mute_topic", "Topic mute", "A topic says nothing of what other topics or lists prove.",
            "It is subscribed anew and then polled; see the exchange's status page if many are mute."),
    _system("origin_changed", "Another exchange", "What answers is not what answered before.",
            "Check the addresses of the exchange and any proxy between; restart when it is right."),
    _system("rate_ban", "Rate ban", "The exchange refuses requests from this address for a while.",
            "Find what else asks from this address; streams go on meanwhile."),
    _system("refused_frames", "Frames refused", "Much of what comes in cannot be true, and is refused.",
            "Read the reasons in it; a new release of the exchange's API may be out."),
    _system("rest_down", "REST down", "Requests are not answered, while streams go on.",
            "Check network and proxy; history cannot be repaired until it is back."),
    _system("restarts", "Restarts", "The monitor crashed several times in a short time.",
            "Read the end of its log, and the journal of its service."),
    _system("slow_cycle", "Cycle slow", "A pass of the monitor took longer than it should.",
            "See the stages in `/api/monitoring/status`, and the machine's load."),
    _system("stale_feed", "Feed lost", "No data comes from the exchange.",
            "Check network and the exchange's status page; it is reconnected by itself.", outage=True),
    _system("store_down", "Store down", "A store cannot be reached.",
            "Start it again; what it must keep waits in memory or on the disk."),
    _system("store_full", "Store full", "A store has no room left.", "Make room; what it must keep waits."),
    _system("store_refusing", "Store refuses", "A store is there and refuses what it is given.",
            "Read its own log: a field may be of another type there."),
    _system("symbol_failed", "Symbol failed", "The work for one symbol fails; the others go on.",
            "Read the reason in it and in the log; report it if it goes on."),
    _system("task_died", "Task died", "A part of the program died and was started again.",
            "Read the error in the log; report it if it comes again."),
    _system("topic_refused", "Topic refused", "The exchange refuses a subscription; it is asked again.",
            "See whether the symbol is still listed."),
    _system("universe_empty", "Nothing watched", "No symbol fulfils what the configuration asks of the universe.",
            "Loosen `universe`; `virtuoso universe` says why each is left out."),
    _system("watch_gap", "Watch gap", "Nobody watched for a while: the program or the machine stood still.",
            "See why it stood still; what happened meanwhile was not judged."),
)  # fmt: skip

KINDS: Final[Mapping[str, AlertKind]] = {kind.name: kind for kind in _ALL}
MARKET_KINDS: Final = tuple(kind.name for kind in _ALL if kind.about is About.MARKET)
SYSTEM_KINDS: Final = tuple(kind.name for kind in _ALL if kind.about is About.SYSTEM)
OUTAGES: Final = frozenset(kind.name for kind in _ALL if kind.outage)
"""Kinds that say that a whole exchange is out."""

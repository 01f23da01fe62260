"""The built-in kinds of incidents: what each is about, what it means, and what to look at then.

Those of the fast detectors stand beside their parameters. A rule of the user's is a kind of its own, named by him.
"""

from collections.abc import Mapping
from typing import Final

from virtuoso.model.alerts.kind import About, AlertKind, market, system
from virtuoso.model.catalogue.detectors import DETECTED

_OF_ANALYSIS: Final = (
    market("alpha_beta_expansion", "Beta expansion", "A symbol moves much more with BTC than it used to.",
           "Compare its beta and correlation in `/api/alpha`."),
    market("alpha_breakout", "Alpha breakout", "A symbol gains or loses against BTC beyond what chance explains.",
           "Look at its alpha and standard error in `/api/alpha`."),
    market("alpha_correlation_breakdown", "Correlation breakdown", "A symbol no longer moves with BTC as it did.",
           "Look for news of that symbol; compare the correlations in `/api/alpha`."),
    market("regime_change", "Regime change", "The market's regime is another one than before.",
           "See the probabilities and breadth in `/api/regime`."),
    market("signal_change", "Signal change", "The label of a symbol changed.",
           "Read the reasons with `virtuoso analyze SYMBOL`."),
)  # fmt: skip

_SYSTEM: Final = (
    system("auth_failures", "Wrong tokens", "Somebody gives wrong tokens to the API.",
           "Find the client named in it; change the token if it may be known."),
    system("bars_corrected", "Bars corrected", "Closed bars differed from the exchange's, which took their place.",
           "Signals of those minutes were computed anew; nothing needs to be done."),
    system("history_restarted", "History restarted", "A symbol's history began anew: it became another contract.",
           "Look for a redenomination or a new listing of that symbol."),
    system("channel_down", "Channel down", "A channel cannot deliver, or its address is gone.",
           "Check its address and token with `virtuoso alerts test`."),
    system("clock_skew", "Clock skew", "This machine's clock and the exchange's differ too much.",
           "Check the time service of this machine (chrony, systemd-timesyncd)."),
    system("cpu", "CPU load", "The processor has been busy for too long.",
           "See which process is busy, and whether cycles are slow."),
    system("disk", "Disk space", "The disk of the data folder is nearly full.",
           "Make room, or shorten `timeseries.retention`."),
    system("exchange_clock", "Exchange clock", "The exchange's clock jumped or stands still, and is not believed.",
           "See the exchange's status page; nothing is analysed by a clock that is doubted."),
    system("failed_cycle", "Cycle failed", "A pass of the monitor failed; the next one is tried all the same.",
           "Read the error in the log; report it if it goes on."),
    system("include_unknown", "Unknown symbol", "`universe.include` names what the exchange does not list.",
           "Correct the name; the alert says which may be meant."),
    system("list_doubted", "List doubted", "A list of the exchange is empty or much shorter than before.",
           "The last known list stands; see the exchange's status page if it goes on."),
    system("loop_lag", "Event loop lag", "The event loop is late: something holds it up.",
           "See the machine's load and the number of symbols."),
    system("maintenance", "Maintenance", "The exchange says that it is under maintenance.",
           "See its status page; everything goes on by itself when it is back.", outage=True),
    system("memory", "Memory", "The machine's memory is nearly full.",
           "See which process takes it; watch fewer symbols if it is this one."),
    system("mute_topic", "Topic mute", "A topic says nothing of what other topics or lists prove.",
           "It is subscribed anew and then polled; see the exchange's status page if many are mute."),
    system("origin_changed", "Another exchange", "What answers is not what answered before.",
           "Check the addresses of the exchange and any proxy between; restart when it is right."),
    system("rate_ban", "Rate ban", "The exchange refuses requests from this address for a while.",
           "Find what else asks from this address; streams go on meanwhile."),
    system("refused_frames", "Frames refused", "Much of what comes in cannot be true, and is refused.",
           "Read the reasons in it; a new release of the exchange's API may be out."),
    system("rest_down", "REST down", "Requests are not answered, while streams go on.",
           "Check network and proxy; history cannot be repaired until it is back."),
    system("restarts", "Restarts", "The monitor crashed several times in a short time.",
           "Read the end of its log, and the journal of its service."),
    system("slow_cycle", "Cycle slow", "A pass of the monitor took longer than it should.",
           "See the stages in `/api/monitoring/status`, and the machine's load."),
    system("stale_feed", "Feed lost", "No data comes from the exchange.",
           "Check network and the exchange's status page; it is reconnected by itself.", outage=True),
    system("store_down", "Store down", "A store cannot be reached.",
           "Start it again; what it must keep waits in memory or on the disk."),
    system("store_full", "Store full", "A store has no room left.", "Make room; what it must keep waits."),
    system("store_refusing", "Store refuses", "A store is there and refuses what it is given.",
           "Read its own log: a field may be of another type there."),
    system("symbol_failed", "Symbol failed", "The work for one symbol fails; the others go on.",
           "Read the reason in it and in the log; report it if it goes on."),
    system("task_died", "Task died", "A part of the program died and was started again.",
           "Read the error in the log; report it if it comes again."),
    system("topic_refused", "Topic refused", "The exchange refuses a subscription; it is asked again.",
           "See whether the symbol is still listed."),
    system("universe_empty", "Nothing watched", "No symbol fulfils what the configuration asks of the universe.",
           "Loosen `universe`; `virtuoso universe` says why each is left out."),
    system("watch_gap", "Watch gap", "Nobody watched for a while: the program or the machine stood still.",
           "See why it stood still; what happened meanwhile was not judged."),
)  # fmt: skip

_ALL: Final = (*sorted((*_OF_ANALYSIS, *DETECTED), key=lambda kind: kind.name), *_SYSTEM)

KINDS: Final[Mapping[str, AlertKind]] = {kind.name: kind for kind in _ALL}
MARKET_KINDS: Final = tuple(kind.name for kind in _ALL if kind.about is About.MARKET)
SYSTEM_KINDS: Final = tuple(kind.name for kind in _ALL if kind.about is About.SYSTEM)
OUTAGES: Final = frozenset(kind.name for kind in _ALL if kind.outage)
"""Kinds that say that a whole exchange is out."""

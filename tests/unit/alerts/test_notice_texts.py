"""What people read of an incident, title and text as in every channel, does not stutter; all kinds are gone over."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from virtuoso.alerts import changes
from virtuoso.alerts.conditions import (
    ChannelCondition,
    ExchangeState,
    FeedOutage,
    StoreState,
    observe_channels,
    observe_cycle,
    observe_exchange,
    observe_stores,
    observe_wrong_tokens,
)
from virtuoso.alerts.host import HostLimits, HostState, observe_crashes, observe_host
from virtuoso.alerts.incidents import IncidentLog
from virtuoso.alerts.stages import notices
from virtuoso.alerts.universe_conditions import UniverseState, observe_universe
from virtuoso.delivery.channels.console import Console
from virtuoso.delivery.channels.discord.embed import embed_of
from virtuoso.model.alerts.incident import Incident, Severity
from virtuoso.model.alerts.notice import Notice
from virtuoso.model.catalogue.kinds import KINDS
from virtuoso.model.signal import Label

NOW = 1_795_000_000_000
STUTTER = re.compile(r"(?i)(?<![\w.-])([\w.-]+(?: [\w.-]+)*): (?:the )?\1(?![\w\\-])")
"""Words, a colon, and the same words again."""
ERRORS = (
    "redis: Error 111 connecting to 127.0.0.1:6379", "redis is full: OOM command not allowed; raise its maxmemory",
    "memcached: no answer within 1.0 s", "InfluxDB at http://127.0.0.1:8086: Connection refused",
    "the database sqlite:///state.db does not answer: disk I/O error", "/data/ts: cannot be read: no such file", None,
)  # fmt: skip


def _driven() -> list[Incident]:
    """Incidents as the judges of conditions make them."""
    log = IncidentLog(1_000, exchange="bybit")
    weather = ExchangeState(
        mute={"tickers.BTCUSDT": "BTCUSDT"},
        denied={"ETHUSDT": "the exchange refuses publicTrade.ETHUSDT: Invalid symbol; asked again"},
        maintenance="HTTP 503: system maintenance", rest_down=None, banned_until_ms=NOW + 60_000,
        origin_change="the exchange is no longer what it was: its streams say live, and it was replay",
        clock_skew_ms=-4_000.0, clock_doubt="the exchange's clock moved by +90.0 s against ours",
    )  # fmt: skip
    observe_exchange(log, weather, NOW)
    down = "no good answer to any request for 20 s: cannot connect to host api.bybit.com"
    calm = ExchangeState(
        mute={}, denied={}, maintenance=None, rest_down=down, origin_change=None, banned_until_ms=None,
        clock_skew_ms=0.0, clock_doubt=None,
    )  # fmt: skip
    observe_exchange(log, calm, NOW + 1)
    for state in ("down", "full", "refusing"):
        for number, error in enumerate(ERRORS):
            name = ("redis", "redis", "memcached", "influx", "database", "timeseries", "redis")[number]
            observe_stores(log, [StoreState(name, state, NOW - 9_000, error)], NOW + 2 + number)
            observe_stores(log, [StoreState(name, "up", NOW, None)], NOW + 3 + number)
    for state in ("down", "disabled"):
        observe_channels(
            log, [ChannelCondition("desk", state, NOW - 90_000, "desk.example.org cannot be reached")], NOW
        )
        observe_channels(log, [ChannelCondition("desk", "up", NOW, None)], NOW + 1)
    outage = FeedOutage("bybit")
    outage.lost(1, "connection 1: closed by the exchange (1006)", NOW)
    outage.observe(log, NOW + 9_000)
    observe_host(
        log, HostState(cpu_pct=99, memory_pct=99, disk_pct=99, loop_lag_ms=900),
        HostLimits(cpu_pct=90, memory_pct=90, disk_pct=90, loop_lag_ms=500), NOW,
    )  # fmt: skip
    observe_crashes(log, 5, 5, 3_600, NOW)
    observe_cycle(log, 1.0, 5.0, "RuntimeError: no", NOW, "", {})
    observe_cycle(log, 9.0, 5.0, None, NOW + 1, "analyse took 8.9 s", {"stage": "analyse"})
    observe_wrong_tokens(log, 12, "127.0.0.1", NOW)
    text = "the exchange's list of instruments has none that is trading; it is asked again"
    universe = UniverseState(
        doubts={"instruments": (text, {})}, empty="nothing is watched: of 3 instruments none passes",
        unknown={"BTCUSD": "universe.include names BTCUSD, and the exchange lists nothing readable of this name"},
    )  # fmt: skip
    observe_universe(log, universe, NOW)
    changes.observe_signal(log, "BTCUSDT", None, Label.BUY, NOW, score=71.0, agreement=0.6, price=1.0)
    changes.observe_regime(log, "NEUTRAL", "BULLISH", NOW)
    changes.observe_gap(log, NOW - 900_000, NOW, NOW)
    return list(log.recent())


@cache
def _written(root: Path) -> list[str]:
    """Messages of what fires elsewhere, from the sources: a symbol for each symbol, a number for the rest."""
    files = [path for room in ("alerts", "monitor") for path in (root / "src" / "virtuoso" / room).rglob("*.py")]
    nodes = [node for path in files for node in ast.walk(ast.parse(path.read_text("utf-8")))]
    texts = [node.values for node in nodes if isinstance(node, ast.JoinedStr)]
    return ["".join(_rendered(*each) for each in enumerate(parts)) for parts in texts if any(map(_is_symbol, parts))]


def _is_symbol(part: ast.expr) -> bool:
    return isinstance(part, ast.FormattedValue) and "symbol" in ast.unparse(part.value)


def _rendered(number: int, part: ast.expr) -> str:
    if isinstance(part, ast.Constant):
        return str(part.value)
    return "BTCUSDT" if _is_symbol(part) else str(number)


def _incidents(root: Path) -> Iterator[Incident]:
    driven = _driven()
    yield from driven
    rest = KINDS.keys() - {incident.kind for incident in driven}
    for kind in sorted(rest):
        for message in _written(root):
            yield Incident(
                id=kind, kind=kind, severity=KINDS[kind].severities[0], message=message, fired_ms=NOW,
                labels={"kind": kind}, symbol="BTCUSDT", part="BTCUSDT",
            )  # fmt: skip
    for name in ("heavy-turnover", "funding_and_score"):
        message = f"BTCUSDT: {name}: turnover_24h 3"
        yield Incident(
            id=name, kind=name, severity=Severity.INFO, message=message, fired_ms=NOW, labels={"kind": name},
            symbol="BTCUSDT",
        )  # fmt: skip


def _texts(notice: Notice) -> Iterator[str]:
    yield Console("console", print, colour=False).render(notice, repeat=False)
    embed = embed_of(notice, repeat=False)
    yield f"{embed['title']}: {embed['description']}"
    yield from (line.message for line in notice.lines)


@pytest.fixture
def root() -> Path:
    return Path(__file__).parents[3]


def test_nothing_that_people_read_stutters(root: Path) -> None:
    for incident in _incidents(root):
        led = notices.folded(incident, [incident, incident], NOW, notices.no_context)
        over = notices.over([incident], None, NOW, notices.no_context)
        told = (notices.alert(incident, NOW, notices.no_context), over)
        for text in (f"{led.title}: {led.text}", *(text for notice in told for text in _texts(notice))):
            assert not (found := STUTTER.search(text)), f"{found} in {text!r}"


def test_incidents_have_the_severities_that_their_kinds_say() -> None:
    driven = _driven()
    for incident in driven:
        assert incident.severity in KINDS[incident.kind].severities, incident
    assert len({incident.kind for incident in driven}) >= 25


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("redis: Error 111", "redis is down: Error 111"), (None, "redis is down: it does not answer"),
        ("redis is full: no", "redis is full: no"),
    ],
)  # fmt: skip
def test_a_store_is_named_once(error: str | None, said: str) -> None:
    log = IncidentLog(10)
    observe_stores(log, [StoreState("redis", "down", NOW - 9_000, error)], NOW)
    notice = notices.alert(log.recent()[0], NOW, notices.no_context)
    assert (notice.title, notice.text) == ("Store down", said)


def test_a_title_takes_from_the_text_what_it_says_itself() -> None:
    log = IncidentLog(10)
    log.fire("funding_and_score", Severity.INFO, "BTCUSDT: funding_and_score: score 3", NOW, symbol="BTCUSDT")
    notice = notices.alert(log.recent()[0], NOW, notices.no_context)
    assert (notice.title, notice.text) == ("BTCUSDT: funding and score", "score 3")
    assert notice.lines[0].message == "BTCUSDT: funding_and_score: score 3"


def test_a_sentence_of_the_users_is_told_as_it_is() -> None:
    log = IncidentLog(10)
    log.fire("listed", Severity.INFO, "BTCUSDT trades at 7", NOW, symbol="BTCUSDT")
    log.fire("sudden_move", Severity.INFO, "BTCUSDT down 3 %", NOW, symbol="BTCUSDT")
    texts = [notices.alert(incident, NOW, notices.no_context).text for incident in log.recent()]
    assert texts == ["down 3 %", "BTCUSDT trades at 7"]

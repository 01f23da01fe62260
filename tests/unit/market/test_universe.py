"""The universe: the best ranked, without churn, and a true reason for each one left out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from virtuoso.market.universe.choice import Universe, UniverseRules, select
from virtuoso.model.instrument import Instrument, InstrumentId, Kind

NOTHING = Universe((), {})
NOW_MS = 1_748_476_800_000
DAY_MS = 86_400_000


def instrument(symbol: str, **changes: object) -> Instrument:
    base = Instrument(
        id=InstrumentId("bybit", Kind.LINEAR, symbol), unified=f"{symbol}:USDT", base=symbol.removesuffix("USDT"),
        quote="USDT", settle="USDT", status="Trading", perpetual=True, tick_size=0.1, lot_size=0.1,
        launch_ms=NOW_MS - 100 * DAY_MS,
    )  # fmt: skip
    return replace(base, **changes)


def market(turnovers: dict[str, float]) -> tuple[list[Instrument], dict[str, float]]:
    return [instrument(symbol) for symbol in turnovers], turnovers


RANKED = market({f"S{rank:02}USDT": 1e9 / rank for rank in range(1, 31)})


@pytest.mark.parametrize(
    ("changes", "ticker", "reason"),
    [
        ({"status": "PreLaunch"}, 1e7, "status is PreLaunch"),
        ({"perpetual": False}, 1e7, "not a perpetual"),
        ({"quote": "USDC"}, 1e7, "quoted in USDC, not USDT"),
        ({"launch_ms": NOW_MS - 2 * DAY_MS}, 1e7, "listed 2.0 days ago, less than 7"),
        ({"launch_ms": None}, 1e7, "age unknown"),
        ({}, None, "24 h turnover unknown"),
        ({}, 999_999.0, "24 h turnover 999,999 USDT below 1,000,000 USDT"),
        ({"id": InstrumentId("bybit", Kind.LINEAR, "1000PEPEUSDT")}, 1e7, "excluded by pattern 1000*"),
    ],
)
def test_every_filter_names_itself(changes: dict[str, object], ticker: float | None, reason: str) -> None:
    rules = UniverseRules(min_turnover_24h=1e6, min_age_days=7, exclude=("1000*",))
    one = instrument("ABCUSDT", **changes)
    universe = select([one], {} if ticker is None else {one.symbol: ticker}, NOTHING, rules, NOW_MS)
    assert (universe.symbols, universe.left_out) == ((), {one.symbol: reason})


def test_a_symbol_that_passes_every_filter_is_watched() -> None:
    rules = UniverseRules(min_turnover_24h=1e6, min_age_days=7, exclude=("1000*",))
    instruments, tickers = market({"ABCUSDT": 1e6})
    assert select(instruments, tickers, NOTHING, rules, NOW_MS).symbols == ("ABCUSDT",)


def test_spot_needs_no_perpetual() -> None:
    spot = instrument("ABCUSDT", id=InstrumentId("bybit", Kind.SPOT, "ABCUSDT"), perpetual=False)
    assert select([spot], {"ABCUSDT": 1.0}, NOTHING, UniverseRules(), NOW_MS).symbols == ("ABCUSDT",)


def test_the_first_universe_is_the_top_by_turnover() -> None:
    universe = select(*RANKED, NOTHING, UniverseRules(size=5), NOW_MS)
    assert universe.symbols == ("S01USDT", "S02USDT", "S03USDT", "S04USDT", "S05USDT")
    assert universe.left_out["S06USDT"] == "rank 6 by 24 h turnover is past the universe's size of 5"
    assert len(universe.left_out) == 25


def test_an_incumbent_keeps_its_place_near_the_edge_and_loses_it_beyond() -> None:
    rules = UniverseRules(size=10, hysteresis=1.2)
    before = Universe(tuple(f"S{rank:02}USDT" for rank in (*range(1, 9), 12, 13)), {})
    universe = select(*RANKED, before, rules, NOW_MS)
    assert universe.symbols == (*(f"S{rank:02}USDT" for rank in range(1, 10)), "S12USDT")
    assert universe.left_out["S13USDT"] == "rank 13 by 24 h turnover is past the universe's size of 10"
    kept = "rank 10 by 24 h turnover, but its place is kept for a symbol already watched or always included"
    assert universe.left_out["S10USDT"] == kept


def test_the_first_of_them_are_watched_in_detail_without_churn() -> None:
    rules = UniverseRules(size=10, detailed=3, hysteresis=1.4)
    universe = select(*RANKED, NOTHING, rules, NOW_MS)
    assert universe.detailed == {"S01USDT", "S02USDT", "S03USDT"}
    before = Universe(universe.symbols, {}, frozenset({"S01USDT", "S03USDT", "S04USDT"}))
    assert select(*RANKED, before, rules, NOW_MS).detailed == before.detailed
    assert select(*RANKED, NOTHING, UniverseRules(size=2, detailed=50), NOW_MS).detailed == {"S01USDT", "S02USDT"}


def test_what_is_always_included_needs_no_rank_but_must_trade() -> None:
    instruments, tickers = RANKED
    rules = UniverseRules(size=3, include=("S30USDT", "GONEUSDT", "NEWUSDT", "HALTUSDT"), exclude=("S01*",))
    extra = [instrument("NEWUSDT", launch_ms=NOW_MS), instrument("HALTUSDT", status="Closed")]
    universe = select([*instruments, *extra], tickers, NOTHING, rules, NOW_MS)
    assert universe.symbols == ("S02USDT", "S30USDT", "NEWUSDT")
    assert (
        universe.left_out["GONEUSDT"]
        == "included by configuration, but the exchange lists nothing readable of this name"
    )
    assert universe.left_out["HALTUSDT"] == "status is Closed"
    assert universe.left_out["S01USDT"] == "excluded by pattern S01*"


def test_more_included_than_the_size_are_all_watched() -> None:
    rules = UniverseRules(size=1, include=("S05USDT", "S07USDT"))
    assert select(*RANKED, NOTHING, rules, NOW_MS).symbols == ("S05USDT", "S07USDT")


SYMBOLS = [f"S{i:02}USDT" for i in range(20)]
TURNOVERS = st.fixed_dictionaries({symbol: st.one_of(st.none(), st.floats(0, 1e9)) for symbol in SYMBOLS})


@given(TURNOVERS, st.sets(st.sampled_from(SYMBOLS)), st.integers(1, 12), st.sampled_from([1.0, 1.2, 2.0]))
def test_the_universe_in_general(
    turnovers: dict[str, float | None], previous: set[str], size: int, hysteresis: float
) -> None:
    instruments = [instrument(symbol) for symbol in SYMBOLS]
    worth = {symbol: turnover for symbol, turnover in turnovers.items() if turnover is not None}
    rules = UniverseRules(size=size, hysteresis=hysteresis)
    universe = select(instruments, worth, Universe(tuple(previous), {}), rules, NOW_MS)
    chosen = set(universe.symbols)
    # Of those watched already an unknown turnover is no reason to go: they rank last.
    ranked = worth | dict.fromkeys(previous - worth.keys(), 0.0)
    known = sorted(((t, s) for s, t in ranked.items()), reverse=True)
    rank = {symbol: i for i, (_, symbol) in enumerate(known, 1)}
    assert len(chosen) == len(universe.symbols) == min(size, len(known))
    assert chosen | universe.left_out.keys() == set(SYMBOLS)
    assert not chosen & universe.left_out.keys()
    assert [rank[s] for s in universe.symbols] == sorted(rank[s] for s in universe.symbols)
    assert all(rank[s] <= size * hysteresis for s in chosen & previous)
    # Whoever is out ranks below every newcomer, and below every incumbent but those protected near the edge.
    for out in rank.keys() - chosen:
        assert all(rank[s] < rank[out] for s in chosen - previous)
        assert out not in previous or rank[out] > size * hysteresis or chosen <= previous
    # Chosen again from its own result, nothing changes: no churn without a change of rank.
    assert select(instruments, worth, universe, rules, NOW_MS).symbols == universe.symbols

"""What a misspelt name may mean, and what is said of a universe that is not as configured."""

import pytest

from virtuoso.market.universe.choice import Universe, UniverseRules, select, unknown_includes, why_empty
from virtuoso.market.universe.names import meant, resolved
from virtuoso.model.instrument import Instrument, InstrumentId, Kind


def instrument(symbol: str, base: str, quote: str = "USDT", *, perpetual: bool = True) -> Instrument:
    unified = f"{base}/{quote}:{quote}" + ("" if perpetual else f"-{symbol.rpartition('-')[2]}")
    return Instrument(
        id=InstrumentId("bybit", Kind.LINEAR, symbol), unified=unified, base=base, quote=quote, settle=quote,
        status="Trading", perpetual=perpetual, tick_size=0.1, lot_size=0.1,
    )  # fmt: skip


LISTED = [
    instrument("BTC-26DEC25", "BTC", perpetual=False), instrument("BTCPERP", "BTC", "USDC"),
    instrument("BTCUSDT", "BTC"), instrument("ETHUSDT", "ETH"), instrument("1000PEPEUSDT", "1000PEPE"),
    instrument("币安人生USDT", "币安人生"),
]  # fmt: skip
TURNOVERS = {each.symbol: 1e9 for each in LISTED}


@pytest.mark.parametrize(
    ("name", "symbols"),
    [
        ("btcusdt", ("BTCUSDT",)),
        ("BTC/USDT:USDT", ("BTCUSDT",)),
        ("BTC-USDT", ("BTCUSDT",)),
        ("btc/usdc:usdc", ("BTCPERP",)),
        (" ETHUSDT ", ("ETHUSDT",)),
        ("BTC", ("BTCPERP", "BTCUSDT", "BTC-26DEC25")),
        ("ETHUSTD", ("ETHUSDT",)),
        ("PEPEUSDT", ("1000PEPEUSDT",)),
        ("币安人生usdt", ("币安人生USDT",)),
        ("QQQQ", ()),
        ("BROKENUSDT", ()),
        ("BTTUSDT", ("BTCUSDT",)),
        ("ETHH", ("ETHUSDT",)),
        ("PEPE", ("1000PEPEUSDT",)),
        ("", ()),
    ],
)
def test_what_is_meant(name: str, symbols: tuple[str, ...]) -> None:
    found = meant(name, LISTED)
    assert found[: len(symbols)] == symbols
    assert bool(found) == bool(symbols)


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("BTC/USDT", "BTCUSDT"),
        ("btc_usdt", "BTCUSDT"),
        ("BTC-USDT-SWAP", "BTCUSDT"),
        ("BTCUSDT.P", "BTCUSDT"),
        ("BTC-26DEC25", "BTC-26DEC25"),
        ("BTC26DEC25", "BTC-26DEC25"),
        ("BTC-PERP", "BTCPERP"),
        ("ETH", "ETHUSDT"),
        ("eth-perp", "ETHUSDT"),
        ("pepe", "1000PEPEUSDT"),
        ("币安人生", "币安人生USDT"),
        ("BTC", None),  # of two perpetuals
        ("ETHH", None),
        ("PERP", None),
        ("", None),
    ],
)
def test_a_name_that_can_be_only_one_is_resolved(name: str, symbol: str | None) -> None:
    found = resolved(name, LISTED)
    assert (None if found is None else found.symbol) == symbol


def test_a_name_that_is_not_listed_is_told_with_what_it_may_mean() -> None:
    rules = UniverseRules(include=("btcusdt", "BTC/USDT:USDT", "NOSUCHXYZ", "BTCUSDT"))
    universe = select(LISTED, TURNOVERS, Universe((), {}), rules, 0)
    assert unknown_includes(universe, rules, LISTED) == {
        name: f"universe.include names {name}, and the exchange lists nothing readable of this name{hint}"
        for name, hint in {
            "btcusdt": "; did you mean BTCUSDT?", "BTC/USDT:USDT": "; did you mean BTCUSDT?", "NOSUCHXYZ": "",
        }.items()
    }  # fmt: skip
    assert why_empty(universe, rules, LISTED) is None


@pytest.mark.parametrize(
    ("rules", "why"),
    [
        (
            UniverseRules(quote="usdt"),
            "nothing is watched: no instrument is quoted in universe.quote = usdt; did you mean USDT?",
        ),
        (
            UniverseRules(quote="EUR"),
            "nothing is watched: no instrument is quoted in universe.quote = EUR; it has USDC, USDT",
        ),
        (
            UniverseRules(exclude=("*",)),
            "nothing is watched: of 6 instruments none passes: 6 × excluded by pattern *",
        ),
        (
            UniverseRules(min_turnover_24h=1e12),
            (
                "nothing is watched: of 6 instruments none passes: 4 × 24 h turnover 1,000,000,000 USDT below "
                "1,000,000,000,000 USDT; 1 × not a perpetual; 1 × quoted in USDC, not USDT"
            ),
        ),
    ],
)
def test_an_empty_universe_says_why(rules: UniverseRules, why: str) -> None:
    universe = select(LISTED, TURNOVERS, Universe((), {}), rules, 0)
    assert universe.symbols == ()
    assert why_empty(universe, rules, LISTED) == why

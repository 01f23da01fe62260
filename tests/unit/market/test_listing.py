"""Lists of the exchange: what is doubted, what is carried through, and what truly leaves."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from virtuoso.market.universe.choice import Universe, UniverseRules, select
from virtuoso.market.universe.listing import LOOKS, Doubt, Listings, turnover_of
from virtuoso.model.instrument import Instrument, InstrumentId, Kind
from virtuoso.model.market import TickerUpdate

NOW_MS = 1_748_476_800_000
SYMBOLS = [f"S{rank:02}USDT" for rank in range(1, 31)]
SIZE = 10
RULES = UniverseRules(size=SIZE, min_age_days=7, min_turnover_24h=1.0)
TOP = set(SYMBOLS[:SIZE])

Rows = list[Instrument]
Tickers = dict[str, TickerUpdate]


def instrument(symbol: str, **changes: object) -> Instrument:
    base = Instrument(
        id=InstrumentId("bybit", Kind.LINEAR, symbol), unified=f"{symbol}:USDT", base=symbol.removesuffix("USDT"),
        quote="USDT", settle="USDT", status="Trading", perpetual=True, tick_size=0.1, lot_size=0.1, launch_ms=1,
    )  # fmt: skip
    return replace(base, **changes)


def ticker(turnover: float | None) -> TickerUpdate:
    return TickerUpdate(last=2.0, low_24h=1.0, high_24h=3.0, volume_24h=(turnover or 2.0) / 2, turnover_24h=turnover)


def lists() -> tuple[Rows, Tickers]:
    """Both lists as they truly are."""
    return [instrument(s) for s in SYMBOLS], {s: ticker(1e9 / rank) for rank, s in enumerate(SYMBOLS, 1)}


class Watching:
    """The choice as the monitor makes it, look by look."""

    def __init__(self) -> None:
        self.listings = Listings()
        self.universe = Universe((), {})
        self.doubts: tuple[Doubt, ...] = ()
        self.judge(*lists())
        assert set(self.universe.symbols) == TOP

    def judge(self, rows: Rows, tickers: Tickers, refused: tuple[str, ...] = ()) -> set[str]:
        listed = self.listings.judge(rows, tickers, self.universe.symbols, refused)
        self.doubts = listed.doubts
        self.universe = select(listed.instruments, listed.turnovers, self.universe, RULES, NOW_MS)
        return set(self.universe.symbols)


def closed(rows: Rows) -> Rows:
    return [replace(row, status="Closed") for row in rows]


COLLAPSES: dict[str, tuple[Callable[[Rows, Tickers], tuple[Rows, Tickers]], Doubt]] = {
    "no instruments": (lambda _, tickers: ([], tickers), Doubt("instruments", 0, 30)),
    "no tickers": (lambda rows, _: (rows, {}), Doubt("tickers", 0, 30)),
    "only Closed": (lambda rows, tickers: (closed(rows), tickers), Doubt("instruments", 0, 30)),
    "a short list": (lambda rows, tickers: (rows[-14:], tickers), Doubt("instruments", 14, 30)),
    "few tickers": (
        lambda rows, tickers: (rows, {s: t for s, t in tickers.items() if s > "S21"}), Doubt("tickers", 10, 30),
    ),
    "no turnover anywhere": (lambda rows, _: (rows, dict.fromkeys(SYMBOLS, ticker(None))), Doubt("tickers", 0, 30)),
}  # fmt: skip


@pytest.mark.parametrize("what", COLLAPSES)
def test_a_list_that_collapses_is_doubted_told_and_lived_through(what: str) -> None:
    fault, doubt = COLLAPSES[what]
    watching = Watching()
    for _ in range(3 * LOOKS):
        assert watching.judge(*fault(*lists())) == TOP
        assert watching.doubts == (doubt,)
        assert f"has {doubt.listed} " in doubt.text
        assert "30 are known" in doubt.text
    assert watching.judge(*lists()) == TOP
    assert watching.doubts == ()


def test_both_lists_empty_say_nothing_of_anyone() -> None:
    watching = Watching()
    for _ in range(3 * LOOKS):
        assert watching.judge([], {}) == TOP
    assert [doubt.name for doubt in watching.doubts] == ["instruments", "tickers"]


def test_a_true_mass_delisting_gets_through_when_both_lists_agree_long_enough() -> None:
    watching = Watching()
    left = set(SYMBOLS[5:12])
    rows = [row for row in lists()[0] if row.symbol in left]
    tickers = {s: t for s, t in lists()[1].items() if s in left}
    for _ in range(LOOKS - 1):
        assert watching.judge(rows, tickers) == TOP
        assert {doubt.name for doubt in watching.doubts} == {"instruments", "tickers"}
    assert watching.judge(rows, tickers) == left
    assert watching.doubts == ()


def test_one_that_neither_list_names_leaves_after_three_looks() -> None:
    watching = Watching()
    rows, tickers = [row for row in lists()[0] if row.symbol != "S03USDT"], lists()[1]
    for _ in range(3 * LOOKS):
        assert watching.judge(rows, tickers) == TOP, "the tickers name it"
    del tickers["S03USDT"]
    for _ in range(LOOKS - 1):
        assert watching.judge(rows, tickers) == TOP
    assert watching.judge(rows, tickers) == TOP - {"S03USDT"} | {"S11USDT"}


def test_one_that_comes_back_begins_to_count_anew() -> None:
    watching = Watching()
    for _ in range(3):
        for _ in range(LOOKS - 1):
            rows, tickers = lists()
            del rows[2], tickers["S03USDT"]
            assert watching.judge(rows, tickers) == TOP
        assert watching.judge(*lists()) == TOP


def test_a_refused_topic_and_both_lists_together_are_proof_at_once() -> None:
    watching = Watching()
    rows, tickers = lists()
    assert watching.judge(rows, tickers, refused=("S03USDT",)) == TOP, "it is listed: the refusal is no reason"
    del rows[2], tickers["S03USDT"]
    assert "S03USDT" in watching.judge(rows, tickers)
    assert "S03USDT" not in watching.judge(rows, tickers, refused=("S03USDT",))


def test_a_status_is_a_reason_at_once() -> None:
    watching = Watching()
    rows, tickers = lists()
    rows[2] = replace(rows[2], status="Delivering")
    assert watching.judge(rows, tickers) == TOP - {"S03USDT"} | {"S11USDT"}
    assert watching.universe.left_out["S03USDT"] == "status is Delivering"


@pytest.mark.parametrize("turnover", [None, 0.0, -1.0, math.nan, math.inf, 1e300])
def test_a_turnover_that_cannot_be_moves_nobody(turnover: float | None) -> None:
    watching = Watching()
    rows, tickers = lists()
    tickers["S03USDT"] = replace(tickers["S03USDT"], turnover_24h=turnover, last=0.0)
    tickers["S30USDT"] = replace(tickers["S30USDT"], turnover_24h=turnover, last=0.0)
    assert watching.judge(rows, tickers) == TOP
    assert watching.universe.symbols[2] == "S03USDT", "its last turnover ranks it"
    assert watching.universe.left_out["S30USDT"] == "24 h turnover unknown"
    assert watching.doubts == ()


def test_copies_are_dropped_and_counted_even_at_the_very_start() -> None:
    rows, tickers = lists()
    listings = Listings()
    listed = listings.judge([rows[0]] * 20 + rows + rows, tickers)
    universe = select(listed.instruments, listed.turnovers, Universe((), {}), RULES, NOW_MS)
    assert (set(universe.symbols), listings.copies) == (TOP, 50)


def test_of_copies_that_differ_the_known_one_counts() -> None:
    watching = Watching()
    rows, tickers = lists()
    assert watching.judge([*closed(rows), *rows], tickers) == TOP


def test_what_a_contract_never_changes_does_not_change_by_a_field_that_went_missing() -> None:
    watching = Watching()
    rows, tickers = lists()
    rows[2] = replace(rows[2], perpetual=False, quote="", status="Unknown", launch_ms=None)
    assert watching.judge(rows, tickers) == TOP


def test_a_first_list_without_anything_in_trading_is_no_list() -> None:
    rows, tickers = lists()
    assert [d.known for d in Listings().judge([], tickers).doubts] == [0]
    assert [d.name for d in Listings().judge(closed(rows), tickers).doubts] == ["instruments"]
    assert [d.name for d in Listings().judge(rows, {}).doubts] == ["tickers"]
    assert Listings().judge(rows, dict.fromkeys(SYMBOLS, ticker(None))).doubts == (), "an exchange may have none"


FIRST = {
    "few instruments": (slice(0, 14), slice(0, 30), Doubt("instruments", 14, 30, "tickers")),
    "few tickers": (slice(0, 30), slice(16, 30), Doubt("tickers", 14, 30, "instruments")),
}


@pytest.mark.parametrize("what", FIRST)
def test_first_lists_that_contradict_each_other_are_no_lists_until_they_stay_so(what: str) -> None:
    listed_rows, quoted, doubt = FIRST[what]
    (rows, tickers), listings = lists(), Listings()
    few = rows[listed_rows], {symbol: tickers[symbol] for symbol in SYMBOLS[quoted]}
    for _ in range(LOOKS - 1):
        listed = listings.judge(*few)
        assert (listed.instruments, listed.doubts) == ((), (doubt,))
        assert f"has 14 of the 30 that its list of {doubt.other} names" in doubt.text
    for _ in range(2):
        listed = listings.judge(*few)
        assert len(listed.instruments) == len(few[0]), "it is all that the exchange says"
        assert listed.doubts == (doubt,), "and told while it lasts"
    assert listings.judge(rows, tickers).doubts == ()
    assert listings.judge(*few).doubts == (replaced(doubt),), "by now it is known what it should have"


def replaced(doubt: Doubt) -> Doubt:
    """The same against what is known."""
    return Doubt(doubt.name, doubt.listed, doubt.known)


def test_first_lists_that_differ_by_less_than_half_are_believed() -> None:
    (rows, tickers), listings = lists(), Listings()
    listed = listings.judge(rows[:15], tickers)
    assert (len(listed.instruments), listed.doubts) == (15, ())


@pytest.mark.parametrize(
    ("row", "turnover"),
    [
        (TickerUpdate(), None),
        (TickerUpdate(turnover_24h=5.0), 5.0),
        (TickerUpdate(turnover_24h=1e18), None),
        (TickerUpdate(turnover_24h=2e9, volume_24h=1e9, low_24h=1.0, high_24h=3.0), 2e9),
        (TickerUpdate(turnover_24h=2e12, volume_24h=1e9, low_24h=1.0, high_24h=3.0), None),
        (TickerUpdate(turnover_24h=2.0, volume_24h=1e9, low_24h=1.0, high_24h=3.0), None),
        (TickerUpdate(turnover_24h=2e9, volume_24h=0.0, low_24h=1.0, high_24h=3.0), 2e9),
    ],
)
def test_a_turnover_is_worth_its_volume(row: TickerUpdate, turnover: float | None) -> None:
    assert turnover_of(row) == turnover


def test_another_launch_is_taken_when_two_looks_in_a_row_tell_it() -> None:
    """One wrong answer makes no old instrument a young one."""
    listings, (rows, tickers) = Listings(), lists()

    def launch(told: int | None) -> int | None:
        return listings.judge([replace(rows[0], launch_ms=told), *rows[1:]], tickers).instruments[0].launch_ms

    assert [launch(told) for told in (1, 50, 1, 50, 60, None, 60, 60, 1)] == [1, 1, 1, 1, 1, 1, 1, 60, 60]


@st.composite
def fault(draw: st.DrawFn) -> Callable[[Rows, Tickers], tuple[Rows, Tickers]]:
    """Something that goes wrong with an answer; it says nothing true of any symbol."""
    kind = draw(st.sampled_from(["instruments", "tickers", "closed", "rows", "turnovers", "copies", "tickers lost"]))
    some = set(draw(st.lists(st.sampled_from(SYMBOLS), min_size=1, max_size=30)))
    worth = draw(st.sampled_from([None, 0.0, math.nan, math.inf, -5.0, 1e-9, 1e25]))

    def apply(rows: Rows, tickers: Tickers) -> tuple[Rows, Tickers]:
        match kind:
            case "instruments":
                return [], tickers
            case "tickers":
                return rows, {}
            case "closed":
                return closed(rows), tickers
            case "rows":
                return [row for row in rows if row.symbol not in some], tickers
            case "turnovers":
                changed = {s: replace(tickers[s], turnover_24h=worth) for s in some & tickers.keys()}
                return rows, tickers | changed
            case "copies":
                return [*(row for row in rows if row.symbol in some), *rows, *closed(rows)], tickers
            case _:
                return rows, {s: t for s, t in tickers.items() if s not in some}

    return apply


@given(st.lists(st.lists(fault(), max_size=2), max_size=12))
def test_no_sequence_of_faults_evicts_one_that_is_listed_and_ranked(polls: list[list[Callable[..., object]]]) -> None:
    watching = Watching()
    lost = 0
    for faults in polls:
        answer = lists()
        for each in faults:
            answer = each(*answer)  # type: ignore[assignment]
        rows, tickers = answer
        # Both lists without the same symbol, three looks in a row, is what a delisting looks like.
        alive = {row.symbol for row in rows if row.status == "Trading"} | tickers.keys()
        lost = lost + 1 if set(SYMBOLS) - alive else 0
        if lost >= LOOKS:
            rows, tickers = lists()
            lost = 0
        assert watching.judge(rows, tickers) == TOP
    assert watching.judge(*lists()) == TOP
    assert watching.doubts == ()

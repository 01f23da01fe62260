"""The engine: owns the state of every component and turns one cut of the market into an evaluation."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from math import isnan

import numpy as np
from numpy.typing import NDArray

from virtuoso.analysis.bands import UNKNOWN, Banded, BandRule, Bands
from virtuoso.analysis.bank import Values
from virtuoso.analysis.banks import Banks
from virtuoso.analysis.block import Memory, Rows, as_rows
from virtuoso.analysis.checkpoint import Checkpoint
from virtuoso.analysis.component import Factor, Feed
from virtuoso.analysis.factors import flow, orderbook, sentiment, structure, technical, volume
from virtuoso.analysis.forecast.outlook import WARM_BARS, Outlook, Said
from virtuoso.analysis.history import History, score_blocks
from virtuoso.analysis.percentile import WARM_CLOSES, PastDay, Ranked, ScorePast
from virtuoso.analysis.readings.entry import Context
from virtuoso.analysis.readings.evaluation import Evaluation
from virtuoso.analysis.regimes import regime
from virtuoso.analysis.regimes.dwell import Dwell, DwellRule
from virtuoso.analysis.regimes.regime import RegimeArrays
from virtuoso.analysis.scoring import QUALITY_CODE, STALE, BankKey, Codes, FactorArrays, Total, score_all
from virtuoso.analysis.warm_up import warm_up
from virtuoso.market.panel import BarBlock, BookBlock, Cut, Floats, Ints
from virtuoso.model.errors import InvariantError
from virtuoso.model.evidence import Evidence
from virtuoso.model.quality import DataQuality
from virtuoso.model.timeframe import Timeframe

FACTORS: Mapping[str, Factor] = {
    module.FACTOR.name: module.FACTOR for module in (flow, orderbook, volume, structure, technical, sentiment)
}
"""The factors, by name, with their default weights."""
TIMEFRAMES: Mapping[Timeframe, float] = {Timeframe.M1: 0.4, Timeframe.M5: 0.3, Timeframe.M30: 0.2, Timeframe.H4: 0.1}
"""Default timeframes, base first, with their weights."""
ENTRY_SIZE = 10_000.0
"""Quote units whose slippage an entry states."""


class Engine:
    """Scores all symbols at every base close. One thread alone may use it.

    Args:
        timeframes: weight of each timeframe; the shortest is the base.
        factor_weights: weight of each enabled factor, by name; `ValueError` for a factor that is not built.
        rule: when a score becomes a band.
        entry_size: quote units whose slippage an entry states.
        outlook: forecasts, claims and signals; `None` says none.
        around_forecasts: entered while a step forecasts, so that whoever has a clock can tell how long that takes.
    """

    def __init__(
        self,
        timeframes: Mapping[Timeframe, float] = TIMEFRAMES,
        factor_weights: Mapping[str, float] | None = None,
        rule: BandRule | None = None,
        entry_size: float = ENTRY_SIZE,
        outlook: Outlook | None = None,
        around_forecasts: AbstractContextManager[object] = nullcontext(),  # noqa: B008 - it holds nothing
    ) -> None:
        weights = factor_weights if factor_weights is not None else {f.name: f.weight for f in FACTORS.values()}
        unknown = set(weights) - set(FACTORS)
        if unknown or not weights or not timeframes:
            raise ValueError(f"factors {sorted(unknown)} are not built; there are {sorted(FACTORS)}")
        self.factors = tuple(replace(FACTORS[name], weight=weight) for name, weight in weights.items())
        self._banks = Banks(timeframes, self.factors)
        self.timeframes = self._banks.timeframes
        self.base = self._banks.base
        self._dwell = Dwell(DwellRule(), self.base.ms)
        self._bands = Bands(rule or BandRule(), self.base.ms)
        self._past = ScorePast()
        self._entry_size = entry_size
        self._symbols: dict[int, str] = {}
        self.outlook = outlook
        self._around_forecasts = around_forecasts

    def decide_by(self, rule: BandRule) -> None:
        """Decide bands by another rule from the next close on; those that stand stay until it says otherwise."""
        self._bands.rule = rule

    def history(self, timeframe: Timeframe) -> int:
        """Bars of `timeframe` after which everything computed from bars alone is ready, and a past of scores known."""
        bars = self._banks.history(timeframe) + -(-WARM_CLOSES * self.base.ms // timeframe.ms)
        return max(bars, WARM_BARS) if self.outlook is not None and timeframe is Timeframe.M5 else bars

    def add(self, symbol: str, row: int) -> None:
        """Watch `symbol` in `row`, as if the row had never been used."""
        for memory in self._memories():
            memory.reserve(row + 1)
        if row in self._symbols:
            self.remove(row)  # a row that was never taken, or was freed, remembers nothing
        self._symbols[row] = symbol
        self._past.begin(symbol, row)
        if self.outlook is not None:
            self.outlook.add(symbol, row)

    def remove(self, row: int) -> None:
        """Forget everything about the symbol in `row`, so that the row can be given to another."""
        self._symbols.pop(row, None)
        for memory in self._memories():
            if row < memory.capacity:
                memory.reset(slice(row, row + 1))
        if self.outlook is not None:
            self.outlook.remove(row)

    def restart(self, row: int) -> None:
        """Forget the bars of `row`, to take them anew; its band, its regime and the past of its book stay."""
        for memory in self._banks.bar_memories():
            if row < memory.capacity:
                memory.reset(slice(row, row + 1))

    def warm_up(self, blocks: Sequence[BarBlock]) -> None:
        """Take long blocks of closed bars; no bands. Bars already seen are ignored.

        What the scores of the last closes were, from bars alone, goes into the past that later ones are ranked in.
        """
        attainable = float(attainable_coverage(self.factors, [Evidence.BARS])[0])
        warm_up(self._banks, self._past, self._bands.rule, blocks, attainable)
        if self.outlook is not None:
            self.outlook.warm_up(blocks)

    def score_blocks(self, blocks: Mapping[Timeframe, BarBlock], evidence: Evidence) -> History:
        """Take a block of base bars, with the higher bars that close with them, and score every base close.

        `evidence` is what the source of the bars can have at all.
        """
        attainable = float(attainable_coverage(self.factors, [evidence])[0])
        return score_blocks(self._banks, self._bands, self._dwell, blocks, attainable)

    def step(self, cut: Cut) -> Evaluation:
        """Take one cut and score its symbols; closes before `cut.close_ms` (late bars) move their bands in order."""
        for symbol, row in zip(cut.symbols, cut.rows.tolist(), strict=True):
            if self._symbols.get(row) != symbol:
                raise InvariantError(f"row {row} was not added for {symbol}")
        qualities = {
            Feed.BARS: _codes(cut.bar_quality),
            Feed.TAPE: _codes(cut.tape_quality),
            Feed.TICKER: _codes(cut.ticker_quality),
            Feed.BOOK: _codes(cut.book_quality),
        }
        attainable = attainable_coverage(self.factors, cut.evidence)
        told = np.full(cut.rows.size, -np.inf) if cut.told_from_ms is None else cut.told_from_ms + self.base.ms
        said: Said | None = None
        fresh = dict(zip(cut.rows.tolist(), (~stale_feeds(qualities)).tolist(), strict=True))
        told_of = dict(zip(cut.rows.tolist(), told.tolist(), strict=True))
        for close_ms, based in self._advance(cut):
            earlier = np.isin(cut.rows, np.concatenate([block.rows for block in based]))
            if self.outlook is not None:
                now = close_ms == cut.close_ms and cut.book is not None
                seen = qualities[Feed.BOOK] < STALE if now else None
                may_claim = {row: fresh[row] and row_told <= close_ms for row, row_told in told_of.items()}
                with self._around_forecasts:
                    said = self.outlook.step(based, cut.book if now else None, seen, fresh, may_claim)
            if close_ms < cut.close_ms and earlier.any():
                chosen = {feed: quality[earlier] for feed, quality in qualities.items()}
                lasting = told[earlier] <= close_ms
                self._score(close_ms, as_rows(cut.rows[earlier]), chosen, attainable[earlier], lasting)
        if cut.book is not None:
            self._banks.step_book(cut.book, cut.close_ms)
        rows = as_rows(cut.rows)
        factors, total, banded, regimes, ranked = self._score(
            cut.close_ms, rows, qualities, attainable, told <= cut.close_ms
        )  # fmt: skip
        said = said if said is not None and said.close_ms == cut.close_ms else None
        if said is not None and self.outlook is not None:
            with self._around_forecasts:
                said = self.outlook.with_followed(said, cut.rows, ranked.percentile, regimes.code)
        return Evaluation(
            close_ms=cut.close_ms,
            symbols=cut.symbols,
            base=self.base,
            timeframes=self.timeframes,
            factors=factors,
            total=total,
            banded=banded,
            regimes=regimes,
            ranked=ranked,
            context=self._context(rows, cut.book, qualities[Feed.BOOK]),
            rule=self._bands.rule,
            attainable=attainable,
            evidence=cut.evidence,
            detailed=cut.detailed,
            stale=stale_feeds(qualities),
            rows=cut.rows,
            said=said,
        )

    def _advance(self, cut: Cut) -> Iterator[tuple[int, list[BarBlock]]]:
        """Step all bars in the order of their closes; after each close yield it with the base bars that it is of."""
        pending = [
            (int(open_ms) + tf.ms, tf.ms, block, k)
            for tf, blocks in cut.bars.items()
            if tf in self.timeframes
            for block in blocks
            for k, open_ms in enumerate(block.open_ms)
        ]
        pending.sort(key=lambda item: (item[0], -item[1]))
        closes = sorted({item[0] for item in pending})
        at = 0
        for close_ms in closes:
            based: list[BarBlock] = []
            while at < len(pending) and pending[at][0] == close_ms:
                _, _, block, k = pending[at]
                one = block if block.open_ms.size == 1 else block.part(slice(k, k + 1))
                self._banks.step(one)
                if block.timeframe is self.base:
                    based.append(one)
                at += 1
            if based:
                yield close_ms, based

    def _score(
        self, close_ms: int, rows: Rows, qualities: Mapping[Feed, Codes], attainable: Floats, lasting: NDArray[np.bool_]
    ) -> tuple[tuple[FactorArrays, ...], Total, Banded, RegimeArrays, Ranked]:
        values = self._banks.last(rows)
        due: dict[BankKey, Ints | int] = {tf: close_ms // tf.ms - 1 for tf in self.timeframes}
        due[None] = due[self.base]
        factors, total = score_all(self._banks.sources, values, due, qualities)
        score = 50.0 * (1.0 + total.confluence.x)
        allowed = self._bands.rule.covered(total.coverage, attainable) & (total.quality < STALE)
        allowed &= ~stale_feeds(qualities)
        banded = self._bands.step(rows, score, allowed, close_ms, lasting)
        ranked = self._past.step(rows, score, allowed, close_ms)
        return factors, total, banded, self._regimes(close_ms, rows, values, lasting), ranked

    def _regimes(
        self, close_ms: int, rows: Rows, values: Mapping[BankKey, Values], lasting: NDArray[np.bool_]
    ) -> RegimeArrays:
        frame = values[self._banks.regime_timeframe]
        measures, short = frame.raw[self._banks.of_regimes], self._banks.short_volatility(values)
        found = regime.classify(measures, frame.age.copy(), self._banks.regime_timeframe, short)
        return self._dwell.step(rows, close_ms, found, lasting)

    def _context(self, rows: Rows, book: BookBlock | None, quality: Codes) -> Context:
        """What entries are judged from: copies, so that the next step leaves them alone."""
        values = self._banks.last(rows)[self._banks.regime_timeframe]
        seen = quality < STALE
        if book is not None:
            seen &= np.isfinite(book.bid_price[:, 0] + book.ask_price[:, 0])
        return Context(
            timeframe=self._banks.regime_timeframe,
            close=self._banks.close(rows).copy(),
            atr=values.atr.copy(),
            prices=values.raw[self._banks.of_entries].copy(),
            book=book,
            book_seen=seen,
            size=self._entry_size,
        )

    def _memories(self) -> Iterator[Memory]:
        yield from self._banks.memories()
        yield self._bands.memory
        yield self._dwell.memory
        yield self._past.memory

    def checkpoints(self) -> dict[str, Checkpoint]:
        """Make by symbol what a restart continues from: band, regime, claims."""
        rows = np.array(list(self._symbols), dtype=np.int64)
        bands = self._bands.checkpoint(rows).T.tolist()
        regimes = self._dwell.checkpoint(rows).T.tolist()
        claims = [None] * rows.size if self.outlook is None else self.outlook.claims_of(rows)
        found = {}
        for symbol, (band, held, known_ms), dwelt, claim in zip(
            self._symbols.values(), bands, regimes, claims, strict=True
        ):
            regime, since_ms, leader, leads_ms = map(_known, dwelt)
            code = None if band == UNKNOWN else band
            found[symbol] = Checkpoint(code, held, regime, since_ms, leader, leads_ms, known_ms, claim)
        return found

    def resume(self, row: int, checkpoint: Checkpoint, then_ms: int, close_ms: int) -> None:
        """Go on from where the symbol of `row` stood at the close `then_ms`, as of the close `close_ms`.

        The closes between were not watched: the band counts as held through them, and is judged at the next. One that
        was unknown begins anew.
        """
        missed = max(0, (close_ms - then_ms) // self.base.ms)
        if checkpoint.claim is not None and self.outlook is not None:
            self.outlook.resume_claim(row, checkpoint.claim)
        if checkpoint.band is not None:
            known_ms = (then_ms if checkpoint.known_ms is None else checkpoint.known_ms) + missed * self.base.ms
            self._bands.resume(row, checkpoint.band, checkpoint.held + missed, known_ms, close_ms)
        self._dwell.resume(row, checkpoint.regimes)

    def recall(self, days: Iterable[PastDay]) -> None:
        """Take over what earlier runs counted of the past of scores; each symbol goes on from it once it is added."""
        self._past.recall(days)

    def changed_past(self) -> tuple[PastDay, ...]:
        """The days of the past of scores that changed since this was asked last."""
        return self._past.changed(self._symbols)

    def state(self) -> dict[str, dict[str, Floats]]:
        """Copies of all arrays that the engine remembers, by bank."""
        return {str(i): memory.state() for i, memory in enumerate(self._memories())}

    def load(self, state: Mapping[str, Mapping[str, Floats]]) -> None:
        """Continue from `state`; raises `ValueError` when it was saved by an engine of another make."""
        memories = list(self._memories())
        if len(state) != len(memories):
            raise ValueError("the saved state belongs to other timeframes")
        for i, memory in enumerate(memories):
            memory.load(state[str(i)])


def attainable_coverage(factors: Sequence[Factor], evidence: Sequence[Evidence]) -> Floats:
    """The share of the enabled evidence [n] that symbols can have which have `evidence` [n] at all, in [0, 1]."""
    have = np.array(evidence, dtype=np.int64)
    whole = sum(factor.weight for factor in factors)
    found = np.zeros(have.shape)
    for factor in factors:
        nominal = sum(component.weight for component in factor.components)
        for component in factor.components:
            can = (have & component.needs) == component.needs
            found += can * (factor.weight / whole * component.weight / nominal)
    return found


def stale_feeds(qualities: Mapping[Feed, Codes]) -> NDArray[np.bool_]:
    """Where a feed that is watched is stale [n]."""
    stale: NDArray[np.bool_] = (np.stack(list(qualities.values())) == STALE).any(axis=0)
    return stale


def _known(value: float) -> float | None:
    return None if isnan(value) else value


def _codes(qualities: Sequence[DataQuality]) -> Codes:
    return np.array([QUALITY_CODE[quality] for quality in qualities], dtype=np.int64)

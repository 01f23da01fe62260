"""Whether other weights of the components would have paid."""

from virtuoso.analysis.forecast.costs import GATE_COST_BP
from virtuoso.research.track_record.measured import Measured
from virtuoso.research.track_record.sections import Cell, Column, Section, Table
from virtuoso.research.weighing.choice import choose
from virtuoso.research.weighing.samples import samples_of
from virtuoso.research.weighing.trials import Trial
from virtuoso.research.weighing.weighing import attempts

_TEXT = f"""\
Weightings of the components, walked forward: an entry where a signal is stronger than nine tenths of the symbol's own
past seven days, held for the horizon, net of {GATE_COST_BP:g} bp. *Configured* is the score as shipped. The winner must
earn more than nothing, by more than chance explains among so many trials (Hansen, 2005), and lose significantly against
the configured weights on no set (`virtuoso research weights`)."""


class Weightings:
    """Gathers what every weighting made, set by set."""

    def __init__(self) -> None:
        self._trials: list[Trial] = []
        self._rows: list[tuple[Cell, ...]] = []

    def add(self, measured: Measured) -> None:
        """Try every weighting on one set."""
        samples = samples_of(measured.spec.name, measured.symbols, measured.readings, measured.followed)
        found, _ = attempts(samples, GATE_COST_BP, lambda _: None)
        self._trials += [each.trial for each in found]
        self._rows += [
            (
                measured.spec.name, each.trial.name, each.information, each.trades.entries, each.trades.hit,
                each.trades.gross_bp, each.trades.net_bp, each.trades.net_twice_bp, each.trades_at_proxy.net_bp,
            )
            for each in found
        ]  # fmt: skip

    def sections(self) -> list[Section]:
        """Show the winner, if chance does not explain it, and what each weighting made, as tables."""
        choice = choose(self._trials)
        pooled = sorted(choice.pooled, key=lambda each: -(each.net_bp.value or 0.0))
        p = "unknown" if choice.p_paid is None else f"{choice.p_paid:.3f}"
        other = "unknown" if choice.p_configured is None else f"{choice.p_configured:.3f}"
        verdict = (
            f"Winner: {choice.winner or 'none; the defaults stay'}: {choice.reason}. That no trial is better than not "
            f"trading: p = {p}; that none is better than the configured weights at an hour: p = {other}."
        )
        rows: tuple[tuple[Cell, ...], ...] = tuple(
            (each.name, each.net_bp, each.over_configured, ", ".join(each.loses_on) or "none") for each in pooled
        )
        return [
            Section(
                "Other weights",
                (_TEXT, verdict),
                (
                    Table("All sets together, bp a symbol and day", _POOLED_COLUMNS, rows),
                    Table("Each set", _COLUMNS, tuple(self._rows)),
                ),
            )
        ]


_POOLED_COLUMNS = (Column("trial"), Column("net", 2), Column("over configured", 2), Column("loses significantly on"))
_COLUMNS = (
    Column("set"),
    Column("trial"),
    Column("rank correlation"),
    Column("entries"),
    Column("hit %", 1, 100),
    Column("gross bp", 1),
    Column("net bp", 1),
    Column("net bp at twice", 1),
    Column("net bp at the proxy", 1),
)

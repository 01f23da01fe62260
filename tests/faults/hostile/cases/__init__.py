"""Every case, in the order of the scoreboard."""

from tests.faults.hostile.cases import market, rest, times, units, values, wire

CASES = (*times.CASES, *values.CASES, *market.CASES, *wire.CASES, *rest.CASES, *units.CASES)

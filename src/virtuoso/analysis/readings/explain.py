"""A reading in two or three plain sentences, built from its numbers."""

from collections.abc import Sequence

from virtuoso.model.signal import Band, ComponentScore, Counterfactual, FactorScore
from virtuoso.model.text.numbers import number_text

_NAMED = 3


def sentences(
    symbol: str,
    band: Band | None,
    score: float | None,
    factors: Sequence[FactorScore],
    counterfactual: Counterfactual | None,
    reasons: Sequence[str],
) -> tuple[str, ...]:
    """What it is and which factors lean where; the strongest components; what would change it, or withholds it."""
    if score is None:
        return (f"{symbol} has no score: {_words('; '.join(reasons)) or 'no factor has data'}.",)
    said = [_conclusion(symbol, band, score, factors), _evidence(factors)]
    if counterfactual is not None:
        said.append(_change(counterfactual))
    elif reasons:
        how = "It has no band" if band is None else "It is weakened"
        said.append(f"{how}: {_words('; '.join(reasons))}.")
    return tuple(sentence for sentence in said if sentence)


def _conclusion(symbol: str, band: Band | None, score: float, factors: Sequence[FactorScore]) -> str:
    sides = []
    for sign, one, more, way in ((1, "lifts", "lift", "up"), (-1, "pulls", "pull", "down")):
        leaning = [factor for factor in factors if sign * factor.contribution > 0]
        if leaning:
            named = _listed([f"{_words(factor.name)} ({factor.contribution:+.1f})" for factor in _strongest(leaning)])
            sides.append(f"{named} {one if len(leaning) == 1 else more} it {way}")
    balance = f": {', '.join(sides)}" if sides else ": no factor leans either way"
    said = f"is {band} at" if band is not None else "has no band, with its score at"
    return f"{symbol} {said} {score:.1f}{balance}."


def _strongest(side: Sequence[FactorScore]) -> list[FactorScore]:
    return sorted(side, key=lambda factor: -abs(factor.contribution))[:_NAMED]


def _evidence(factors: Sequence[FactorScore]) -> str:
    """The components that weigh most, in points of the whole score."""
    weighed = [(_points(factor, component), component) for factor in factors for component in factor.components]
    weighed = [(points, component) for points, component in weighed if points]
    weighed.sort(key=lambda item: -abs(item[0]))
    if not weighed:
        return ""
    named = [f"{_measured(component)} ({points:+.1f})" for points, component in weighed[:_NAMED]]
    return f"What weighs most: {_listed(named)}."


def _points(factor: FactorScore, component: ComponentScore) -> float:
    """A component's part in the whole score's distance from 50."""
    own = 0.0 if factor.score is None else factor.score - 50.0
    return factor.contribution * component.contribution / own if own else 0.0


def _measured(component: ComponentScore) -> str:
    where = f" on {component.timeframe}" if component.timeframe else ""
    raw = "unknown" if component.raw is None else number_text(component.raw, 3)
    return f"{_words(component.name)}{where} at {raw} {component.unit}"


def _change(found: Counterfactual) -> str:
    where = f" on {found.timeframe}" if found.timeframe else ""
    way = "above" if found.needed > found.raw else "below"
    return (
        f"It would be {found.would_be} with {_words(found.component)}{where} {way} "
        f"{number_text(found.needed, 3)} {found.unit} (now {number_text(found.raw, 3)}), all else equal."
    )


def _words(name: str) -> str:
    return name.replace("_", " ")


def _listed(items: Sequence[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"

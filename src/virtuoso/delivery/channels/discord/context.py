"""What is known of the symbol, as fields of an embed: factors, why, signal, entry, levels.

Sizes, in UTF-16 units with names: factors 720, why 900, signal 230, entry 330, levels 470: 2650 together.
"""

import math
from itertools import chain
from typing import Any, NamedTuple

from virtuoso.delivery.channels.discord.text import coded, fit, units
from virtuoso.model.alerts.notice import Context, FactorScore

_FACTORS, _WHYS, _LEVELS = 14, 5, 10
_CELLS = 10
_UNKNOWN = "–"


class Field(NamedTuple):
    """One field of a Discord embed."""

    name: str
    value: str
    inline: bool = False

    def document(self) -> dict[str, Any]:
        """Return the field as the JSON object that Discord's API takes."""
        return {"name": self.name, "value": self.value, "inline": self.inline}


def fields_of(context: Context) -> tuple[list[Field], bool]:
    """The fields, those with nothing known left out; and whether anything was cut."""
    made = [_factors(context.factors), _why(context.why), _signal(context), _entry(context), _levels(context)]
    return list(chain.from_iterable(fields for fields, _ in made)), any(cut for _, cut in made)


def _factors(factors: tuple[FactorScore, ...]) -> tuple[list[Field], bool]:
    if not factors:
        return [], False
    names = [fit(factor.name.replace("_", " "), 15, coded) for factor in factors[:_FACTORS]]
    width = max(units(name) for name, _ in names)
    lines = [f"{name:<{width}} {_bar(factor)}" for (name, _), factor in zip(names, factors, strict=False)]
    cut = len(factors) > _FACTORS or any(cut for _, cut in names)
    return [Field("Factors · score, weight", _block(lines))], cut


def _bar(factor: FactorScore) -> str:
    weight = f"{min(max(factor.weight, 0), 1):>4.0%}" if math.isfinite(factor.weight) else f"{_UNKNOWN:>4}"
    if factor.score is None or not math.isfinite(factor.score):
        return f"{'·' * _CELLS} {_UNKNOWN:>3} {weight}"
    score = min(max(factor.score, 0.0), 100.0)
    full = round(score / 100 * _CELLS)
    return f"{'█' * full}{'░' * (_CELLS - full)} {score:>3.0f} {weight}"


def _why(why: tuple[str, ...]) -> tuple[list[Field], bool]:
    made = [fit(line, 170) for line in why[:_WHYS]]
    lines = [f"• {line}" for line, _ in made if line]
    cut = len(why) > _WHYS or any(cut for _, cut in made)
    return ([Field("Why", "\n".join(lines))] if lines else []), cut


def _signal(context: Context) -> tuple[list[Field], bool]:
    texts = {"Signal": context.signal or "—", "Regime": context.regime, "Data": context.data_quality}
    if context.data_quality == "live":
        texts["Data"] = None
    made = {name: fit(text or "", 30) for name, text in texts.items()}
    lines = {name: f"**{text}**" for name, (text, _) in made.items() if text}
    if context.score is not None:
        lines["Score"] = _within(context.score, 100, ".0f", " of 100")
    if context.agreement is not None:
        lines["Agreement"] = _within(context.agreement, 1, ".0%", "")
    return _lines_of("Signal", lines), any(cut for _, cut in made.values())


def _entry(context: Context) -> tuple[list[Field], bool]:
    lines = {
        "Price": None if context.price is None else context.denomination.price(context.price),
        "Spread": _basis_points(context.spread_bp),
        "Slippage": _basis_points(context.slippage_bp),
    }
    return _lines_of("Entry", {name: value for name, value in lines.items() if value is not None}), False


def _levels(context: Context) -> tuple[list[Field], bool]:
    if not context.levels:
        return [], False
    shown = sorted(context.levels[:_LEVELS], key=lambda level: -level.price)
    names = [fit(level.name.replace("_", " "), 14, coded) for level in shown]
    prices = [context.denomination.price(level.price) for level in shown]
    wide, widest = max(units(name) for name, _ in names), max(map(len, prices))
    lines = [
        f"{name:<{wide}} {price:>{widest}} {_distance(level.price, context.price)}".rstrip()
        for (name, _), price, level in zip(names, prices, shown, strict=True)
    ]
    cut = len(context.levels) > _LEVELS or any(cut for _, cut in names)
    return [Field("Levels", _block(lines))], cut


def _distance(level: float, price: float | None) -> str:
    if price is None or price == 0 or not math.isfinite(level / price):
        return ""
    distance = level / price - 1
    return f"{distance:+.2%}" if abs(distance) < 100 else ""


def _lines_of(name: str, lines: dict[str, str]) -> list[Field]:
    return [Field(name, "\n".join(f"{key}: {value}" for key, value in lines.items()), inline=True)] if lines else []


def _basis_points(value: float | None) -> str | None:
    if value is None:
        return None
    return f"{value:.1f} bp" if abs(value) < 1e6 else _UNKNOWN


def _within(value: float, most: float, form: str, unit: str) -> str:
    return f"{value:{form}}{unit}" if 0 <= value <= most else _UNKNOWN


def _block(lines: list[str]) -> str:
    return "```\n" + "\n".join(lines) + "\n```"

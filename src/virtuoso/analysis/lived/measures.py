"""What is summed of statements and what came of them: counts, losses and results, from which all figures are made.

Returns and results are log returns. A statement that lacks what a measure needs counts for nothing in it, and each
group of measures has a count of its own.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from virtuoso.analysis.forecast.claims.signals import BUY, HOLD, SELL
from virtuoso.analysis.forecast.horizons import CHANCE_HORIZONS_MIN, HORIZONS_MIN, TAILS
from virtuoso.analysis.lived.came import STOP, TARGET, Came
from virtuoso.analysis.lived.statements import Statements
from virtuoso.market.panel import Floats
from virtuoso.model.catalogue.lived import KNOWN

BINS: Final = 10
_BP: Final = 1e-4
_CLOSEST: Final = 1e-6
"""How near to 0 or 1 a probability may come before its logarithm is taken."""
CHANCES: Final = ("large", "beyond")
_LOSSES: Final = ("n", "p", "came", "brier", "brier_base", "log", "log_base")
_BANDS: Final = ("50", "80", "95")


def bin_names(chance: str) -> tuple[tuple[str, str, str], ...]:
    """The measures of the bins of equal width of a probability: how many, claimed, came."""
    return tuple((f"{chance}_bin{k}_n", f"{chance}_bin{k}_p", f"{chance}_bin{k}_came") for k in range(BINS))


MEASURES: Final = (
    "said", "known",
    *(f"{chance}_{loss}" for chance in CHANCES for loss in _LOSSES),
    *(name for chance in CHANCES for names in bin_names(chance) for name in names),
    "cone_n", "pinball", *(f"below_{i}" for i in range(len(TAILS))),
    "touch_n", *(f"high_{i}" for i in range(len(TAILS))), *(f"low_{i}" for i in range(len(TAILS))),
    "rival_n", "rival_pinball", "own_pinball",
    "entry_n", "entry_stop", "entry_target",
    "cost_n", "cost", "up", "down", "long",
    "momentum_n", "momentum", "momentum_cost", "momentum_paid", "reversal_paid",
    "claim_n", "claim_confidence", "claim_paid", "claim_net", "claim_cost",
    "hold_n", "hold_confidence", "hold_right",
    "lean_n", "lean_probability", "lean_right",
)  # fmt: skip
"""The names of the sums, in their order; `docs/methodology.md` says what each is."""
AT: Final = {name: i for i, name in enumerate(MEASURES)}


def measured(said: Statements, came: Came) -> Floats:
    """The measures [len(MEASURES), n] of each symbol's statement over one horizon, 0 for what does not count."""
    out = np.zeros((len(MEASURES), len(said.symbols)))
    known = came["reason"] == KNOWN
    out[AT["said"]], out[AT["known"]] = 1.0, known
    returned = np.where(known, came["closed"], np.nan)
    minutes = came.horizon_min
    with np.errstate(invalid="ignore"):
        cost = _cost(said, minutes)
        if minutes in CHANCE_HORIZONS_MIN:
            _chances(out, said, returned, cost, minutes)
        if minutes in HORIZONS_MIN:
            _cone(out, said, came, returned, minutes)
        _direction(out, said, returned, cost, minutes)
    first = came["first"]
    for name, there in (("n", np.isfinite(first)), ("stop", first == STOP), ("target", first == TARGET)):
        out[AT[f"entry_{name}"]] = there
    return out


def _cost(said: Statements, minutes: int) -> tuple[Floats, Floats]:
    """What a long and a short of a horizon cost, as a log return, with the funding that was foreseen."""
    cost, funding = _BP * said["cost_bp"], _BP * said[f"funding_bp_{minutes}"]
    return cost + funding, cost - funding


def _put(out: Floats, used: NDArray[np.bool_], **values: Floats | NDArray[np.bool_] | float) -> None:
    for name, value in values.items():
        out[AT[name]] += np.where(used, value, 0.0)


def _chances(out: Floats, said: Statements, returned: Floats, cost: tuple[Floats, Floats], minutes: int) -> None:
    large = np.abs(returned) > said[f"large_move_threshold_{minutes}"]
    _judged(out, "large", said[f"large_move_{minutes}"], said[f"large_move_base_{minutes}"], large, returned)
    for side, gross, spent in (("up", returned, cost[0]), ("down", -returned, cost[1])):
        paid = gross > spent
        p, base = said[f"beyond_{side}_{minutes}"], said[f"base_{side}_{minutes}"]
        _judged(out, "beyond", p, base, paid, gross + spent)


def _judged(out: Floats, name: str, p: Floats, base: Floats, came: NDArray[np.bool_], known: Floats) -> None:
    """A probability and the base against what came, of statements of which all three are known."""
    used = np.isfinite(p + base + known)
    y = came.astype(np.float64)
    losses: dict[str, Floats | float] = {
        f"{name}_n": 1.0, f"{name}_p": p, f"{name}_came": y, f"{name}_brier": (p - y) ** 2,
        f"{name}_brier_base": (base - y) ** 2, f"{name}_log": _log_loss(p, y), f"{name}_log_base": _log_loss(base, y),
    }  # fmt: skip
    _put(out, used, **losses)
    place = np.clip(np.where(used, p, 0.0) * BINS, 0, BINS - 1).astype(np.int64)
    for k, (n, claimed, true) in enumerate(bin_names(name)):
        binned: dict[str, Floats | float] = {n: 1.0, claimed: p, true: y}
        _put(out, used & (place == k), **binned)


def _log_loss(p: Floats, y: Floats) -> Floats:
    kept = np.clip(p, _CLOSEST, 1.0 - _CLOSEST)
    loss: Floats = -(y * np.log(kept) + (1.0 - y) * np.log1p(-kept))
    return loss


def _cone(out: Floats, said: Statements, came: Came, returned: Floats, minutes: int) -> None:
    quantiles = said.quantiles("cone", minutes)
    used = np.isfinite(quantiles).all(axis=0) & np.isfinite(returned)
    _put(out, used, cone_n=1.0, pinball=_pinball(quantiles, TAILS, returned))
    for i, quantile in enumerate(quantiles):
        out[AT[f"below_{i}"]] = used & (returned <= quantile)
    high, low = said.quantiles("high", minutes), said.quantiles("low", minutes)
    touched = np.isfinite(high).all(axis=0) & np.isfinite(low).all(axis=0) & np.isfinite(returned)
    _put(out, touched, touch_n=1.0)
    for i in range(len(TAILS)):
        out[AT[f"high_{i}"]] = touched & (came["highest"] <= high[i])
        out[AT[f"low_{i}"]] = touched & (came["lowest"] <= low[i])
    if minutes in CHANCE_HORIZONS_MIN:  # the symbol's own last week says four fifths of |r| lie within this
        edge, tails = said[f"large_move_threshold_{minutes}"], (TAILS[1], TAILS[-2])
        both = used & np.isfinite(edge)
        _put(
            out, both, rival_n=1.0, rival_pinball=_pinball(np.stack([-edge, edge]), tails, returned),
            own_pinball=_pinball(quantiles[[1, -2]], tails, returned),
        )  # fmt: skip


def _pinball(quantiles: Floats, tails: tuple[float, ...], returned: Floats) -> Floats:
    """Mean over the tails of max(τ(y − q), (τ − 1)(y − q)) (Koenker & Bassett, 1978)."""
    apart, tau = returned - quantiles, np.array(tails)[:, None]
    loss: Floats = np.maximum(tau * apart, (tau - 1.0) * apart).mean(axis=0)
    return loss


def _direction(out: Floats, said: Statements, returned: Floats, cost: tuple[Floats, Floats], minutes: int) -> None:
    """What sides earned: of any time, of the naive rivals, of claims, of HOLD and of leans."""
    up, down = returned > cost[0], -returned > cost[1]
    mean = 0.5 * (cost[0] + cost[1])
    used = np.isfinite(returned + mean)
    _put(out, used, cost_n=1.0, cost=mean, up=up, down=down, long=returned)
    past = said[f"past_{minutes}"] if minutes in HORIZONS_MIN else np.full(returned.shape, np.nan)
    follow = np.sign(past)
    followed = used & np.isfinite(past) & (follow != 0.0)
    _put(
        out, followed, momentum_n=1.0, momentum=follow * returned, momentum_cost=mean,
        momentum_paid=np.where(follow > 0, up, down), reversal_paid=np.where(follow > 0, down, up),
    )  # fmt: skip
    label, confidence = said["label"], said["confidence"]
    claimed = used & ((label == BUY) | (label == SELL))
    spent = np.where(label == BUY, cost[0], cost[1])
    _put(
        out, claimed, claim_n=1.0, claim_confidence=confidence, claim_paid=np.where(label == BUY, up, down),
        claim_net=label * returned - spent, claim_cost=spent,
    )  # fmt: skip
    if minutes != said.horizon_min:
        return
    held = used & (label == HOLD) & np.isfinite(confidence)
    better = np.where(said[f"beyond_up_{minutes}"] >= said[f"beyond_down_{minutes}"], up, down)
    _put(out, held, hold_n=1.0, hold_confidence=confidence, hold_right=~better)
    lean = said["lean"]
    leant = used & np.isfinite(lean) & (up | down)
    _put(out, leant, lean_n=1.0, lean_probability=said["lean_probability"], lean_right=np.where(lean > 0, up, down))

"""The instruments that the bundled markets list: a table of plain facts, and the items of the exchange made from it."""

import csv
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, lru_cache
from importlib.resources import files

from virtuoso.simulator.source import Item

_MOST_TICKS, _MOST_LOTS, _MARKET_SHARE = 19_999_998, 1_000_000, 5


@dataclass(frozen=True, slots=True)
class Facts:
    """One line of the table. Numbers stay the exchange's decimal texts, whose digits say how it pads them.

    `launch_ms` is epoch ms, `funding_min` minutes between settlements, `funding_cap` the largest rate of a settlement
    (fraction, empty where none is known), `kind` Bybit's `symbolType`. `price` (quote currency) and `turnover` (quote
    currency a day) are where the model market begins; both are empty for a symbol that it does not list.
    """

    symbol: str
    base: str
    quote: str
    kind: str
    launch_ms: str
    tick_size: str
    qty_step: str
    funding_min: str
    funding_cap: str
    price: str
    turnover: str


@lru_cache(1)
def table() -> dict[str, Facts]:
    """Every line by its symbol, in the order of the file: the model market's by turnover, then the others."""
    text = (files("virtuoso.simulator") / "data" / "instruments.csv").read_text("utf-8")
    return {line["symbol"]: Facts(**line) for line in csv.DictReader(text.splitlines())}


@cache
def instrument_item(facts: Facts) -> Item:
    """The item of `/v5/market/instruments-info` of a perpetual: its facts, and limits by its steps.

    Made once: whoever asks about a symbol asks whether it is listed. Nobody may write to it.
    """
    tick, step = Decimal(facts.tick_size), Decimal(facts.qty_step)
    most = f"{step * _MOST_LOTS:f}"
    return {
        "symbol": facts.symbol,
        "contractType": "LinearPerpetual",
        "status": "Trading",
        "baseCoin": facts.base,
        "quoteCoin": facts.quote,
        "launchTime": facts.launch_ms,
        "deliveryTime": "0",
        "deliveryFeeRate": "",
        "priceScale": str(max(0, -int(tick.normalize().as_tuple().exponent))),
        "leverageFilter": {"minLeverage": "1", "maxLeverage": "50.00", "leverageStep": "0.01"},
        "priceFilter": {
            "minPrice": facts.tick_size, "maxPrice": f"{tick * _MOST_TICKS:f}", "tickSize": facts.tick_size,
        },
        "lotSizeFilter": {
            "maxOrderQty": most,
            "minOrderQty": facts.qty_step,
            "qtyStep": facts.qty_step,
            "postOnlyMaxOrderQty": most,
            "maxMktOrderQty": f"{step * (_MOST_LOTS // _MARKET_SHARE):f}",
            "minNotionalValue": "5",
        },
        "unifiedMarginTrade": True,
        "fundingInterval": int(facts.funding_min),
        "settleCoin": facts.quote,
        "copyTrading": "none",
        "upperFundingRate": facts.funding_cap,
        "lowerFundingRate": f"-{facts.funding_cap}" if facts.funding_cap else "",
        "isPreListing": False,
        "preListingInfo": None,
        "riskParameters": {"priceLimitRatioX": "0.02", "priceLimitRatioY": "0.1"},
        "displayName": "",
        "symbolType": facts.kind,
        "forbidUplWithdrawal": False,
        "symbolId": list(table()).index(facts.symbol) + 1,
    }  # fmt: skip

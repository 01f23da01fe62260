"""The paths of Bybit's REST API that are asked, version 5."""

from typing import Final

TIME: Final = "/v5/market/time"
INSTRUMENTS: Final = "/v5/market/instruments-info"
TICKERS: Final = "/v5/market/tickers"
BARS: Final = "/v5/market/kline"
TRADES: Final = "/v5/market/recent-trade"
BOOK: Final = "/v5/market/orderbook"
ACCOUNT_RATIO: Final = "/v5/market/account-ratio"
FUNDING: Final = "/v5/market/funding/history"
OPEN_INTEREST: Final = "/v5/market/open-interest"

"""Every key of the configuration: its type, unit, default and bounds. An unknown key is an error."""

import re
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, PlainSerializer, SecretStr, field_validator, model_validator

from virtuoso.config.alerts import AlertSettings
from virtuoso.config.channels import is_loopback
from virtuoso.config.section import FilePath, Names, Section, made
from virtuoso.config.stores import CacheSettings, DatabaseSettings, TimeseriesSettings
from virtuoso.config.values.addresses import HttpUrl, StreamUrl
from virtuoso.config.values.durations import Days, Duration, Seconds
from virtuoso.config.values.texts import ExchangeName, PlainName
from virtuoso.model.catalogue.factors import WEIGHTS
from virtuoso.model.text.addresses import without_user
from virtuoso.model.text.duration import written
from virtuoso.model.text.token_hash import PREFIX as HASHED
from virtuoso.model.text.token_hash import SHORTEST, hash_of, is_hash
from virtuoso.model.timeframe import Timeframe

BarLength = Annotated[Timeframe, Field(strict=False)]
Weight = Annotated[float, Field(gt=0, le=1)]


EVERY_SYMBOL = 10_000
BYBIT_REST = "https://api.bybit.com"


class ExchangeSettings(Section):
    """Where the market data comes from."""

    name: ExchangeName = Field(
        "bybit",
        description="`bybit` (also any Bybit-compatible host), or one that ccxt knows, polled: `okx`, `binanceusdm`, …",
    )
    category: Literal["linear", "spot"] = Field("linear", description="Kind of contracts to watch.")
    rest_url: HttpUrl = Field(BYBIT_REST, description="Base address of the REST API.")
    stream_url: StreamUrl = Field(
        "wss://stream.bybit.com/v5/public", description="Base address of the public streams, without the category."
    )
    depth: Literal[50, 200] = Field(50, description="Levels a side of the order book.")

    budget_dir: FilePath | None = Field(
        None,
        description="Folder of the budget of requests that all processes of this machine share; null: temporary.",
    )

    @property
    def ccxt_id(self) -> str | None:
        """The name ccxt has for the exchange, where ccxt serves it; `ccxt:bybit` is ccxt's own class."""
        return None if self.name == "bybit" else self.name.removeprefix("ccxt:")

    @property
    def market(self) -> str:
        """What is watched, in letters fit for a name of a file: what is kept of one market is not another's."""
        host = "" if self.rest_url == BYBIT_REST else "@" + re.sub(r"[^A-Za-z0-9.-]", "-", self.rest_host)
        return f"{self.name.replace(':', '-')}-{self.category}{host}"

    @property
    def rest_host(self) -> str:
        """Host and port that are asked, without a name and a password of the address: files are named by it."""
        return urlsplit(self.rest_url).netloc.rpartition("@")[2]

    @property
    def address(self) -> str:
        """What is watched, as told to the user: without a name and a password of its address."""
        return self.name if self.ccxt_id and self.rest_url == BYBIT_REST else without_user(self.rest_url)


class MarketDataSettings(Section):
    """How market data is received."""

    mode: Literal["stream", "poll"] = Field(
        "stream", description="`stream`: WebSockets, and polling where they fail. `poll`: REST alone, once a cycle."
    )


class SmartIntervalSettings(Section):
    """How often the slower data of a symbol is asked for."""

    min_interval: Seconds = Field(30.0, ge=5, le=3600, description="For the most volatile symbol.")
    max_interval: Seconds = Field(60.0, ge=5, le=3600, description="For the calmest, or when requests are few.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min_interval > self.max_interval:
            least, most = written(self.min_interval), written(self.max_interval)
            raise ValueError(f"min_interval {least} must not exceed max_interval {most}")
        return self


def _all_is_many(value: object) -> object:
    return EVERY_SYMBOL if value == "all" else value


def _many_is_all(value: int) -> int | str:
    return "all" if value == EVERY_SYMBOL else value


class UniverseSettings(Section):
    """Which symbols are watched, and how closely."""

    size: Annotated[int, BeforeValidator(_all_is_many), PlainSerializer(_many_is_all)] = Field(
        15, ge=1, le=EVERY_SYMBOL, description="How many symbols, by 24 h turnover; `all`: the whole exchange."
    )
    detailed: int = Field(
        50, ge=0, le=200, description="How many of them have book and trades too; the others tickers and 1m bars."
    )
    quote: str = Field("USDT", min_length=1, description="Quote coin.")
    min_turnover_24h: float = Field(0.0, ge=0, description="Least 24 h turnover, in the quote coin.")
    min_age_days: Days = Field(0.0, ge=0, description="Least age since listing; a plain number is days.")
    include: Names = Field((), description="Symbols that are always watched.")
    exclude: Names = Field((), description="Patterns of symbols that never are, such as `1000*`.")
    hysteresis: float = Field(
        1.2, ge=1, le=5, description="A watched symbol stays while its rank is within size times this."
    )
    refresh_interval: Seconds = Field(300.0, ge=10, description="Time between polls of the lists of the exchange.")


class TracesSettings(Section):
    """Where the passes of the monitor are sent as traces (OpenTelemetry)."""

    endpoint: HttpUrl | None = Field(
        None, description="Address of a collector that takes OTLP over HTTP, such as `http://localhost:4318/v1/traces`."
    )


class MonitoringSettings(Section):
    """How often the market is analysed and published, and what is told of it."""

    interval: Seconds = Field(10.0, ge=1, le=3600, description="Time from one cycle's start to the next.")
    alerts: AlertSettings = AlertSettings()
    traces: TracesSettings = TracesSettings()


class FrameSettings(Section):
    """One of the four timeframes, with its weight."""

    timeframe: BarLength = Field(description="Bar length, from `1m` to `4h`.")
    weight: Weight = Field(description="Share in a factor's score.")


class TimeframesSettings(Section):
    """The four timeframes, shortest first; the base is always 1m."""

    base: FrameSettings = FrameSettings(timeframe=Timeframe.M1, weight=0.4)
    low: FrameSettings = FrameSettings(timeframe=Timeframe.M5, weight=0.3)
    middle: FrameSettings = FrameSettings(timeframe=Timeframe.M30, weight=0.2)
    high: FrameSettings = FrameSettings(timeframe=Timeframe.H4, weight=0.1)

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        frames = [self.base.timeframe, self.low.timeframe, self.middle.timeframe, self.high.timeframe]
        if frames[0] is not Timeframe.M1:
            raise ValueError(f"base.timeframe must be 1m, not {frames[0]}")
        if frames[-1].ms > Timeframe.H4.ms:
            raise ValueError(f"high.timeframe may be at most 4h, not {frames[-1]}")
        for shorter, longer in pairwise(frames):
            if longer.ms <= shorter.ms or longer.ms % shorter.ms:
                raise ValueError(f"each timeframe must be a multiple of the one before: {shorter} then {longer}")
        return self

    def weights(self) -> dict[Timeframe, float]:
        """Weight of each timeframe, shortest first."""
        return {frame.timeframe: frame.weight for frame in (self.base, self.low, self.middle, self.high)}


class FactorSettings(Section):
    """One factor's part in the confluence."""

    enabled: bool = Field(default=True, description="Whether it is computed at all.")
    weight: Weight = Field(description="Weight in the confluence; weights are relative to each other.")


class _Factors(Section):
    """Switches and weights of the six factors."""

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not self.weights():
            raise ValueError("at least one factor must be enabled")
        return self

    def weights(self) -> dict[str, float]:
        """By name, the weight of each factor that is enabled."""
        factors: dict[str, FactorSettings] = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: factor.weight for name, factor in factors.items() if factor.enabled}


if TYPE_CHECKING:
    FactorsSettings = _Factors
else:
    _KEYS = {name: (FactorSettings, FactorSettings(weight=weight)) for name, weight in WEIGHTS.items()}
    FactorsSettings = made("FactorsSettings", __name__, _Factors.__doc__, _KEYS, _Factors)
"""`analysis.factors`: a key for each factor of the catalogue."""


_COVERAGE = "Share of the evidence that a symbol of its class can have, below which it has no band."


class BandSettings(Section):
    """When a score is stretched up or down, and when it ceases to be."""

    up: float = Field(70.0, gt=50, le=100, description="Score from which it is stretched up.")
    down: float = Field(30.0, ge=0, lt=50, description="Score down to which it is stretched down.")
    exit_margin: float = Field(5.0, ge=0, lt=20, description="Points past the threshold before it ceases to be.")
    hold_bars: int = Field(3, ge=0, le=1440, description="Base bars for which a new band is kept at least.")
    min_coverage: float = Field(0.5, ge=0, le=1, description=_COVERAGE)


class AnalysisSettings(Section):
    """How evidence becomes a score."""

    timeframes: TimeframesSettings = TimeframesSettings()
    factors: FactorsSettings = FactorsSettings()
    band: BandSettings = BandSettings()
    entry_size: float = Field(
        10_000.0, gt=0, description="Size of an entry whose slippage is stated, in the quote coin."
    )


class ForecastSettings(Section):
    """How forecasts become signals, and what a round trip costs."""

    horizon: Literal["15m", "1h"] = Field("1h", description="How long a BUY or SELL is for.")
    enter_margin: float = Field(
        0.02, ge=0, le=0.3, description="How far above 0.5 the probability of paying must be for one to begin."
    )
    cost_size: float = Field(
        10_000.0, gt=0, description="Size for which walking the book is counted as a cost, in the quote coin."
    )
    taker_fee_bp: float = Field(5.5, ge=0, le=100, description="One taker fee, basis points.")


Scan = Annotated[int, Field(ge=1, le=30), Duration("m")]


class AlphaIntervalsSettings(Section):
    """How often each of the analysis' timeframes is scanned; a plain number is minutes."""

    base: Scan = Field(1, description="Time between scans of the base timeframe.")
    low: Scan = Field(5, description="Time between scans of the low timeframe.")
    middle: Scan = Field(15, description="Time between scans of the middle timeframe.")
    high: Scan = Field(30, description="Time between scans of the high timeframe.")


class AlphaScanningSettings(Section):
    """The scan for alpha, beta and correlation against BTC."""

    intervals: AlphaIntervalsSettings = AlphaIntervalsSettings()
    false_discovery_rate: float = Field(
        0.005, gt=0, le=0.2, description="Expected share of false ones among the patterns found, at most."
    )


class WebsocketSettings(Section):
    """How streams are kept alive, and from when on a feed is stale."""

    ping_interval: Seconds = Field(30.0, ge=1, le=300, description="Time between pings.")
    stale_after: Seconds = Field(10.0, ge=5, le=300, description="Time without a sign of life until data is stale.")


class WebSettings(Section):
    """The HTTP API and the status page."""

    host: str = Field("127.0.0.1", min_length=1, description="Address to listen on.")
    port: int = Field(8002, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    allowed_hosts: Names = Field(
        ("127.0.0.1", "localhost", "[::1]"), description="Host names that requests may be addressed to."
    )
    token: SecretStr | None = Field(
        None,
        description="Token of 16 characters or more, or its hash as `virtuoso config token` writes it; who gives it may"
        " do everything. Required when not on loopback.",
    )
    token_file: FilePath | None = Field(None, description="File that holds the token, or its hash.")
    read_token: SecretStr | None = Field(None, description="Another token or its hash, with which one may only look.")
    read_token_file: FilePath | None = Field(None, description="File that holds it.")
    workers: int = Field(1, ge=1, le=64, description="Processes of `virtuoso web` that share the port.")
    connections: int = Field(4096, ge=8, le=100_000, description="Connections to one process at once, at most.")
    connections_per_address: int = Field(2048, ge=4, le=100_000, description="Of them from one address, at most.")

    @field_validator("token", "read_token")
    @classmethod
    def _cannot_be_guessed(cls, token: SecretStr | None) -> SecretStr | None:
        text = "" if token is None else token.get_secret_value()
        if text != text.strip():
            raise ValueError("begins or ends with white space, which nobody can send: leave it out")
        if text.startswith(HASHED) and not is_hash(text):
            raise ValueError(
                f"{HASHED} must be followed by 64 hex digits (0-9, a-f), as `virtuoso config token` writes them"
            )
        if token is not None and len(text) < SHORTEST:
            raise ValueError(f"must have at least {SHORTEST} characters; choose a long random text")
        return token

    @model_validator(mode="after")
    def _guarded(self) -> Self:
        for name in ("token", "read_token"):
            if getattr(self, name) is not None and getattr(self, f"{name}_file") is not None:
                raise ValueError(f"give {name} or {name}_file, not both")
        if not self.is_loopback and self.token is None and self.token_file is None:
            raise ValueError(f"host {self.host} is not loopback, so a token (or token_file) is required")
        if self.read_token or self.read_token_file:
            if self.token is None and self.token_file is None:
                raise ValueError("a read_token needs a token (or token_file) beside it, which may do everything")
            given = [each.get_secret_value() for each in (self.token, self.read_token) if each is not None]
            if len(given) > len(set(map(hash_of, given))):
                raise ValueError("read_token and token must differ")
        return self

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can connect."""
        return is_loopback(self.host)


class RecordingSettings(Section):
    """What stays of a recording: the oldest files go, never the one that is written."""

    total_gb: float = Field(50.0, gt=0, description="Gigabytes that the files of a recording take together, at most.")
    free_gb: float = Field(2.0, gt=0, description="Gigabytes that are left free on its disk, at least.")
    keep_days: Annotated[Days, Field(gt=0)] | None = Field(
        None, description="Age at which a file goes; null: none does for its age."
    )


class LoggingSettings(Section):
    """What the program says of itself."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level that is logged.")
    format: Literal["auto", "console", "json"] = Field(
        "auto", description="`auto`: console on a terminal, JSON lines otherwise; `json`: whatever the process says is."
    )
    file: FilePath | None = Field(
        None, description="File that gets each line too, also with `console` for people, else as JSON; null: none does."
    )
    file_mb: int = Field(
        10, ge=1, le=10_000, description="Size at which it is put by as `FILE.1` and begun anew, megabytes."
    )
    file_keep: int = Field(5, ge=0, le=100, description="How many that were put by stay.")

    @field_validator("file")
    @classmethod
    def _is_no_folder(cls, file: Path | None) -> Path | None:
        if file is not None and file.is_dir():
            raise ValueError("is a folder; it must be a file, or a path where one can be made")
        return file


_IDENTITY = "monitor"


class Settings(Section):
    """The whole configuration, checked."""

    identity: PlainName = Field(
        _IDENTITY,
        description="Name of this monitor: of each name one runs at a time, and takes over from one that died.",
    )
    exchange: ExchangeSettings = ExchangeSettings()
    market_data: MarketDataSettings = MarketDataSettings()
    smart_intervals: SmartIntervalSettings = SmartIntervalSettings()
    universe: UniverseSettings = UniverseSettings()
    monitoring: MonitoringSettings = MonitoringSettings()
    analysis: AnalysisSettings = AnalysisSettings()
    forecast: ForecastSettings = ForecastSettings()
    alpha_scanning: AlphaScanningSettings = AlphaScanningSettings()
    websocket: WebsocketSettings = WebsocketSettings()
    cache: CacheSettings = CacheSettings()
    database: DatabaseSettings = DatabaseSettings()
    timeseries: TimeseriesSettings = TimeseriesSettings()
    recording: RecordingSettings = RecordingSettings()
    web: WebSettings = WebSettings()
    logging: LoggingSettings = LoggingSettings()
    data_dir: FilePath = Field(Path("data"), description="Folder for everything that is kept.")

    @property
    def cache_prefix(self) -> str:
        """What the keys in shared tiers begin with: monitors of several identities share one server."""
        own = "" if self.identity == _IDENTITY else f":{self.identity}"
        return f"{self.cache.prefix}{own}"

    @field_validator("data_dir")
    @classmethod
    def _folder(cls, value: Path) -> Path:
        if value.exists() and not value.is_dir():
            raise ValueError("is a file; it must be a folder, or a path where one can be made")
        return value

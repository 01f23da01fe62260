"""The keys of the stores: cache tiers, database, time series."""

from collections import Counter
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from virtuoso.config.section import FilePath, Section
from virtuoso.config.values.addresses import HostAndPort, HttpUrl
from virtuoso.config.values.durations import Seconds, WholeDays
from virtuoso.config.values.texts import PlainName

Tiers = Annotated[tuple[Literal["memory", "memcached", "redis"], ...], Field(strict=False)]


def _check_encoded(address: str) -> None:
    """A password that ends too early at its `/`, `?` or `#` would be told as a port or a name of a database.

    Raises:
        ValueError: the address cannot be taken apart; the text does not repeat it.
    """
    try:
        parts = urlsplit(address)
        _ = parts.port  # a port that is no number is found out here
        whole = "@" not in f"{parts.path}{parts.query}{parts.fragment}"
    except ValueError:
        whole = False
    if not whole:
        raise ValueError("is no address; in a password /, ?, #, [, ], @ and : must be percent-encoded, e.g. / as %2F")


class CacheSettings(Section):
    """Where published documents are kept."""

    tiers: Tiers = Field(
        ("memory",),
        description="Any of `memory`, `memcached`, `redis`, in the order of reading; `memory` is always there.",
    )
    prefix: PlainName = Field(
        "vt_shared",
        description="What the keys in shared tiers begin with; `:` and the identity follow if that is not `monitor`.",
    )
    redis_url: SecretStr = Field(
        SecretStr("redis://127.0.0.1:6379/0"),
        description="`redis://[user:password@]host:port/database`, or `rediss://`.",
    )
    memcached: HostAndPort = Field("127.0.0.1:11211", description="host:port")
    cleanup_interval: Seconds = Field(300.0, ge=1, description="Time between removals of expired documents.")

    @field_validator("tiers")
    @classmethod
    def _each_once(cls, tiers: tuple[str, ...]) -> tuple[str, ...]:
        if twice := [tier for tier, count in Counter(tiers).items() if count > 1]:
            raise ValueError(f"names {twice[0]} twice")
        return tiers

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, url: SecretStr) -> SecretStr:
        if not url.get_secret_value().startswith(("redis://", "rediss://")):
            raise ValueError("must begin with redis:// or rediss://")
        _check_encoded(url.get_secret_value())
        return url


class DatabaseSettings(Section):
    """Where signals, incidents and the lease are kept."""

    url: SecretStr | None = Field(
        None, description="`postgresql://user:password@host/name`; null: SQLite in `data_dir`/virtuoso.sqlite."
    )
    url_file: FilePath | None = Field(None, description="File that holds the address.")

    @field_validator("url")
    @classmethod
    def _known(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not url.get_secret_value().startswith(("postgresql://", "sqlite:///")):
            raise ValueError("must begin with postgresql:// or sqlite:///")
        if url is not None and url.get_secret_value().startswith("postgresql://"):
            _check_encoded(url.get_secret_value())
        return url

    @model_validator(mode="after")
    def _one_address(self) -> Self:
        if self.url is not None and self.url_file is not None:
            raise ValueError("give url or url_file, not both")
        return self


class RetentionSettings(Section):
    """How long the embedded store keeps what it measured; a plain number is days."""

    minutes_days: WholeDays = Field(30, ge=2, le=3650, description="Of minutes: bars, tickers, factors.")
    frames_days: WholeDays = Field(28, ge=14, le=3650, description="Of bars of 3 to 30 minutes.")
    hours_days: WholeDays = Field(1092, ge=90, le=36500, description="Of bars of an hour and longer.")
    depth_days: WholeDays = Field(14, ge=0, le=365, description="Of what books held, second by second; 0 keeps none.")


class InfluxSettings(Section):
    """How the InfluxDB server is reached, and what waits for it while it is not."""

    url: HttpUrl = Field("http://127.0.0.1:8086", description="Address of the server.")
    version: Literal[1, 2] = Field(
        1, description="1: `/write` and InfluxQL. 2: `/api/v2/write` with a token, a path for writing only."
    )
    database: str = Field("virtuoso", min_length=1, description="Database, or for version 2 the bucket.")
    org: str = Field("", description="Organisation, for version 2.")
    username: str | None = Field(None, description="User, for version 1.")
    password: SecretStr | None = Field(None, description="The user's password.")
    password_file: FilePath | None = Field(None, description="File that holds the password.")
    token: SecretStr | None = Field(None, description="Token, for version 2.")
    token_file: FilePath | None = Field(None, description="File that holds the token.")
    batch: int = Field(5_000, ge=1, le=100_000, description="Points in one request, at most.")
    flush: Seconds = Field(1.0, ge=0.05, le=60, description="Time after which fewer are sent, too.")
    spool_mb: int = Field(
        512, ge=1, le=100_000, description="Size of the spool in `data_dir` that takes points while the server is down."
    )

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        for name in ("password", "token"):
            if getattr(self, name) is not None and getattr(self, f"{name}_file") is not None:
                raise ValueError(f"give {name} or {name}_file, not both")
        return self


class TimeseriesSettings(Section):
    """Where bars, scores and measurements are kept."""

    store: Literal["embedded", "influx", "none"] = Field(
        "embedded", description="`embedded`: files in `data_dir`. `influx`: a server. `none`: nothing is kept."
    )
    retention: RetentionSettings = RetentionSettings()
    archive: bool = Field(
        default=False, description="Whether minutes that leave the embedded store are kept as Parquet."
    )
    min_free_mb: int = Field(
        200, ge=0, le=1_000_000, description="Free space below which the oldest history of the embedded store goes."
    )
    depth_mb: int = Field(
        2_000,
        ge=1,
        le=1_000_000,
        description="Size of what is kept of depth; beyond it the oldest three hours go.",
    )
    influx: InfluxSettings = InfluxSettings()

    @property
    def keeps_depth(self) -> bool:
        """Whether what books held second by second is kept."""
        return self.store == "embedded" and self.retention.depth_days > 0

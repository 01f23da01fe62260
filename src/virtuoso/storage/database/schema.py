"""The tables. Times are integer milliseconds since the epoch; JSON is text, encoded once by the one who wrote it."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)

HEAD: Final = "0008"
"""The newest revision in `migrations/versions` (a test compares); asking Alembic for it costs its import."""

METADATA: Final = MetaData()

LEASES: Final = Table(
    "leases",
    METADATA,
    Column("identity", Text, primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    Column("holder", Text),  # host and process, for people; null when it was given back
    Column("process", Text),  # what tells whether the holder still runs, see holder.py
    Column("beat", BigInteger, nullable=False),  # rises with every renewal
    Column("looks", BigInteger, nullable=False),  # rises with every look of a newcomer
    Column("seen_ms", BigInteger),  # when its holder renewed it last, for people: nothing is decided by it
)

RUNS: Final = Table(
    "runs",
    METADATA,
    Column("identity", Text, primary_key=True),
    Column("epoch", BigInteger, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("started_ms", BigInteger, nullable=False),
    Column("ended_ms", BigInteger),
    Column("ending", Text),  # how it ended; null while it runs
)

SIGNALS: Final = Table(
    "signals",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("exchange", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("close_ms", BigInteger, nullable=False),
    Column("label", Text),  # null is unknown
    Column("before", Text),
    Column("score", Double),
    Column("agreement", Double),
    Column("confidence", Double),  # null of what was no claim
    Column("expires_ms", BigInteger),
    Column("price", Double),
    Column("data_quality", Text, nullable=False),
    Column("data_source", Text),
    Column("epoch", BigInteger, nullable=False),
    Column("why", Text),  # JSON
    Column("build", Text),  # of the program that said it
    Index("signals_by_time", "close_ms", "id"),
    Index("signals_by_symbol", "symbol", "close_ms", "id"),
    Index("signals_by_label", "label", "close_ms", "id"),
    Index("signals_latest", "exchange", "symbol", "close_ms", "id"),
)

INCIDENTS: Final = Table(
    "incidents",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("identity", Text, nullable=False),  # whose monitor's
    Column("kind", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("symbol", Text),
    Column("part", Text),
    Column("source", Text, nullable=False),
    Column("details", Text, nullable=False),  # JSON
    Column("fired_ms", BigInteger, nullable=False),
    Column("resolved_ms", BigInteger),
    Column("acknowledged", Boolean, nullable=False),
    Column("labels", Text, nullable=False, server_default="{}"),  # JSON
    Column("ending", Text),
    Column("held", Text),  # the stage that withholds it for now
    Column("told_ms", BigInteger),
    Column("life", Text, nullable=False, server_default="{}"),  # JSON: see `records.Life`
    Column("acknowledgement", Text),  # JSON: see `records.Acknowledgement`; written by the web alone
    Index("incidents_by_time", "fired_ms", "id"),
    Index("incidents_open", "resolved_ms", "fired_ms"),
    Index("incidents_told", "identity", "told_ms"),
    Index("incidents_held", "held", sqlite_where=text("held IS NOT NULL"), postgresql_where=text("held IS NOT NULL")),
)

OUTCOMES: Final = Table(
    "alert_outcomes",
    METADATA,
    Column("id", Text, primary_key=True),  # incident and horizon
    Column("identity", Text, nullable=False),  # whose monitor's
    Column("delivered_ms", BigInteger, nullable=False),
    Column("settled_ms", BigInteger),  # null while it is still to come
    Column("body", Text, nullable=False),  # JSON: see `model.alerts.outcome.Outcome`
    Index("alert_outcomes_by_time", "identity", "delivered_ms"),
)

LIVED: Final = Table(
    "lived",
    METADATA,
    Column("identity", Text, primary_key=True),
    Column("exchange", Text, primary_key=True),
    Column("close_ms", BigInteger, primary_key=True),
    Column("kind", Text, primary_key=True),  # reading or signal
    Column("part", Integer, primary_key=True),  # symbols that came late are in a later one
    Column("horizon_min", Integer, primary_key=True),  # 0 is what was said, the others are what came of it
    Column("body", LargeBinary, nullable=False),  # columns of all symbols, see `monitor.lived.codec`
)

LIVED_SUMS: Final = Table(
    "lived_sums",
    METADATA,
    Column("identity", Text, primary_key=True),
    Column("exchange", Text, primary_key=True),
    Column("day", Integer, primary_key=True),  # since 1970, UTC
    Column("kind", Text, primary_key=True),
    Column("horizon_min", Integer, primary_key=True),
    Column("body", LargeBinary, nullable=False),
)

TRANSITIONS: Final = Table(
    "regime_transitions",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("exchange", Text, nullable=False),
    Column("symbol", Text),  # null is the market
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Index("transitions_by_time", "exchange", "at_ms", "id"),
)

SILENCES: Final = Table(
    "silences",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("matcher", Text, nullable=False),  # JSON
    Column("created_ms", BigInteger, nullable=False),
    Column("starts_ms", BigInteger, nullable=False),
    Column("ends_ms", BigInteger, nullable=False),
    Column("author", Text, nullable=False),
    Column("comment", Text, nullable=False),
    Index("silences_by_end", "ends_ms"),
)

STATE: Final = Table(
    "state",
    METADATA,
    Column("identity", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("close_ms", BigInteger, nullable=False),
    Column("body", Text, nullable=False),  # JSON
)

OUTBOX: Final = Table(
    "outbox",
    METADATA,
    # the order of sending; a digest takes the place of the first it folds, whose place is negative from then on
    Column("sequence", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False, unique=True),
    Column("identity", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("state", Text, nullable=False),  # see `model.alerts.notice.Delivery`
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("attempts", BigInteger, nullable=False),
    Column("ref", Text),
    Column("error", Text),
    Column("repeat", Boolean, nullable=False),
    Column("folded_into", Text),
    Column("notice", Text, nullable=False),  # JSON
    Index("outbox_waiting", "identity", "channel", "state", "sequence"),
    Index("outbox_by_time", "created_ms", "id"),
    Index(
        "outbox_expiring",
        "expires_ms",
        sqlite_where=text("state = 'waiting'"),
        postgresql_where=text("state = 'waiting'"),
    ),
)

CHANNELS: Final = Table(
    "channels",
    METADATA,
    Column("identity", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("fingerprint", Text, nullable=False),  # of its address: another address begins anew
    Column("state", Text, nullable=False),  # up, down, limited, disabled
    Column("since_ms", BigInteger, nullable=False),
    Column("not_before_ms", BigInteger),  # no request before this
    Column("error", Text),
)

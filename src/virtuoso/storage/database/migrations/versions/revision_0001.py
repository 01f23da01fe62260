"""The first tables: leases, runs, signals, incidents, regime transitions, silences, state."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the first tables."""
    _processes()
    _signals()
    _incidents()
    _rest()


def _processes() -> None:
    op.create_table(
        "leases",
        sa.Column("identity", sa.Text, primary_key=True),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("holder", sa.Text),
        sa.Column("process", sa.Text),
        sa.Column("beat", sa.BigInteger, nullable=False),
        sa.Column("looks", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "runs",
        sa.Column("identity", sa.Text, primary_key=True),
        sa.Column("epoch", sa.BigInteger, primary_key=True),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("started_ms", sa.BigInteger, nullable=False),
        sa.Column("ended_ms", sa.BigInteger),
        sa.Column("ending", sa.Text),
    )


def _signals() -> None:
    op.create_table(
        "signals",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("exchange", sa.Text, nullable=False),
        sa.Column("symbol", sa.Text, nullable=False),
        sa.Column("close_ms", sa.BigInteger, nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("before", sa.Text, nullable=False),
        sa.Column("score", sa.Double),
        sa.Column("confidence", sa.Double),
        sa.Column("price", sa.Double),
        sa.Column("data_quality", sa.Text, nullable=False),
        sa.Column("data_source", sa.Text),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("why", sa.Text),
    )
    op.create_index("signals_by_time", "signals", ["close_ms", "id"])
    op.create_index("signals_by_symbol", "signals", ["symbol", "close_ms", "id"])
    op.create_index("signals_by_label", "signals", ["label", "close_ms", "id"])
    op.create_index("signals_latest", "signals", ["exchange", "symbol", "close_ms", "id"])


def _incidents() -> None:
    op.create_table(
        "incidents",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("identity", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("severity", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("symbol", sa.Text),
        sa.Column("part", sa.Text),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("details", sa.Text, nullable=False),
        sa.Column("fired_ms", sa.BigInteger, nullable=False),
        sa.Column("resolved_ms", sa.BigInteger),
        sa.Column("acknowledged", sa.Boolean, nullable=False),
    )
    op.create_index("incidents_by_time", "incidents", ["fired_ms", "id"])
    op.create_index("incidents_open", "incidents", ["resolved_ms", "fired_ms"])


def _rest() -> None:
    op.create_table(
        "regime_transitions",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("exchange", sa.Text, nullable=False),
        sa.Column("symbol", sa.Text),
        sa.Column("before", sa.Text, nullable=False),
        sa.Column("after", sa.Text, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("transitions_by_time", "regime_transitions", ["exchange", "at_ms", "id"])
    op.create_table(
        "silences",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("matcher", sa.Text, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("starts_ms", sa.BigInteger, nullable=False),
        sa.Column("ends_ms", sa.BigInteger, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
    )
    op.create_index("silences_by_end", "silences", ["ends_ms"])
    op.create_table(
        "state",
        sa.Column("identity", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("close_ms", sa.BigInteger, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )

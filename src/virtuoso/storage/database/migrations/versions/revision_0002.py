"""Alerts: labels, decisions and the ending of incidents, the outbox, the state of channels."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add them; an incident from before has no labels beyond what its columns say."""
    op.add_column("incidents", sa.Column("labels", sa.Text, nullable=False, server_default="{}"))
    op.add_column("incidents", sa.Column("ending", sa.Text))
    op.add_column("incidents", sa.Column("held", sa.Text))
    op.add_column("incidents", sa.Column("told_ms", sa.BigInteger))
    op.add_column("incidents", sa.Column("life", sa.Text, nullable=False, server_default="{}"))
    op.add_column("incidents", sa.Column("acknowledgement", sa.Text))
    op.create_index("incidents_told", "incidents", ["identity", "told_ms"])
    held = sa.text("held IS NOT NULL")
    op.create_index("incidents_held", "incidents", ["held"], sqlite_where=held, postgresql_where=held)
    op.add_column("leases", sa.Column("seen_ms", sa.BigInteger))
    op.create_table(
        "outbox",
        sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        sa.Column("identity", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("expires_ms", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.BigInteger, nullable=False),
        sa.Column("ref", sa.Text),
        sa.Column("error", sa.Text),
        sa.Column("repeat", sa.Boolean, nullable=False),
        sa.Column("folded_into", sa.Text),
        sa.Column("notice", sa.Text, nullable=False),
    )
    op.create_index("outbox_waiting", "outbox", ["identity", "channel", "state", "sequence"])
    op.create_index("outbox_by_time", "outbox", ["created_ms", "id"])
    waiting = sa.text("state = 'waiting'")
    op.create_index("outbox_expiring", "outbox", ["expires_ms"], sqlite_where=waiting, postgresql_where=waiting)
    op.create_table(
        "channels",
        sa.Column("identity", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("since_ms", sa.BigInteger, nullable=False),
        sa.Column("not_before_ms", sa.BigInteger),
        sa.Column("error", sa.Text),
    )

"""What was said and what came of it, and its sums by day."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the tables; of what was said before nothing is known."""
    whose = ("identity", sa.Text), ("exchange", sa.Text)
    kind, horizon = ("kind", sa.Text), ("horizon_min", sa.Integer)
    for name, key in (
        ("lived", (*whose, ("close_ms", sa.BigInteger), kind, ("part", sa.Integer), horizon)),
        ("lived_sums", (*whose, ("day", sa.Integer), kind, horizon)),
    ):
        op.create_table(
            name,
            *(sa.Column(column, of, primary_key=True) for column, of in key),
            sa.Column("body", sa.LargeBinary, nullable=False),
        )

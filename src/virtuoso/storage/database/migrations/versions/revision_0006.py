"""A signal is a claim: with what probability, and until when. Those kept before were changes of the score's band."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add them; null is what was no claim."""
    op.add_column("signals", sa.Column("confidence", sa.Double))
    op.add_column("signals", sa.Column("expires_ms", sa.BigInteger))

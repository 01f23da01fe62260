"""What was called the confidence of a signal is its agreement."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Rename the column; what was kept before stays as it is."""
    op.alter_column("signals", "confidence", new_column_name="agreement")

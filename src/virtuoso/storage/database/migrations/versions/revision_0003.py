"""Let the label of a signal be unknown."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Let it be null; what was kept before stays as it is."""
    with op.batch_alter_table("signals") as table:  # SQLite can only copy a table
        table.alter_column("label", existing_type=sa.Text, nullable=True)
        table.alter_column("before", existing_type=sa.Text, nullable=True)

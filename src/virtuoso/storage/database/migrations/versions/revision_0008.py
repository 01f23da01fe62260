"""Which build of the program said a signal."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add it; of signals from before it is not known."""
    op.add_column("signals", sa.Column("build", sa.Text))

"""What Alembic runs: the revisions, on the connection and within the transaction that `migrate` began."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()

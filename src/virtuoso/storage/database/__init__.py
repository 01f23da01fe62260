"""The database: incidents, signals, regime transitions, silences, the lease, and what a restart continues from.

`store.Database` is what the program uses, `lease.Lease` holds an identity. Alembic is imported only when a migration is
due; nothing runs on the event loop.
"""

"""The database: incidents, signals, regime transitions, silences, the lease, and what a restart continues from."""

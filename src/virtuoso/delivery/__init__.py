"""From the outbox to people: delivery of committed notices, and the channels they go through."""

"""The HTTP API and the status page, over published documents."""

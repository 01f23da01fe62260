"""The web as processes of its own: one that the monitor feeds, or several that share a port and the shared cache."""

"""Exchange adapters: the wire turned into typed events and calls."""

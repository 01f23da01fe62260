"""Where notices go: one file a channel, each with the verbs of `protocol.Channel`; found by entry point."""

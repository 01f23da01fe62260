"""Routes of one symbol beside its views: what was said of it, what was traded last."""

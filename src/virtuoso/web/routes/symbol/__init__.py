"""Routes of one symbol beside its views: what was said of it, what was traded last, what is kept of each minute."""

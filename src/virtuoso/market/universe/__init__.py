"""Which symbols are watched: what the exchange lists, what people call it, and what is chosen."""

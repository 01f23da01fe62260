"""What a close amounts to for one symbol: its reading with the whole tree of reasons."""

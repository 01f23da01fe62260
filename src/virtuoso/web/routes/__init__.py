"""Routes, a file a kind."""

"""Detects by the forecast of the last close: an edge is touched, in a thin book or not; a large move is likely."""

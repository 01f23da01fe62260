"""How amounts of bytes are written."""

_UNITS = (("GB", 1e9), ("MB", 1e6), ("kB", 1e3))


def size_text(count: float) -> str:
    """Three digits and the unit, by thousands: `930 kB`, `1.11 GB`."""
    for unit, size in _UNITS:
        if count >= size:
            scaled = count / size
            return f"{scaled:.{max(0, 2 - len(str(int(scaled))) + 1)}f} {unit}"
    return f"{count:.0f} bytes"

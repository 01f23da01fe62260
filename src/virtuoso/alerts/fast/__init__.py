"""Detects on the event path: each event is judged as it comes, against the symbol's own baseline.

One file a family. A detector holds bounded state of one symbol, takes model events with the time at which they were
received (epoch ns), and tells `Findings` what it found; times within the market are exchange times (`event_ms`).
A detector that does not know yet what is usual does not find anything.
"""

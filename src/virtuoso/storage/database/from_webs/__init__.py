"""What webs write for the monitor of their identity, which reads it and never writes it: rows of its state."""

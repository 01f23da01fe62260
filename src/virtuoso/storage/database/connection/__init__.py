"""How a database is reached: its two kinds, bounded calls, and what their failures mean."""

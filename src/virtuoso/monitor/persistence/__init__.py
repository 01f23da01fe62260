"""Brings what a pass found to the stores, and back at the next start."""

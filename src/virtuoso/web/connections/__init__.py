"""Connections of clients: accepted, bounded, and dropped when they take nothing."""

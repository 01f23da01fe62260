"""Holds one pass of the monitor, and the documents and scans that run beside it."""

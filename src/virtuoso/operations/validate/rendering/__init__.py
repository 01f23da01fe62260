"""Writes a report as Markdown or as a page; as JSON it is its own structure."""

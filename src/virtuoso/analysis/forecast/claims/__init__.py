"""Whether a side was worth taking: claims counted from what followed them, and which of them are earned."""

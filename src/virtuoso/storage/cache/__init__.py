"""Published documents by name, versioned."""

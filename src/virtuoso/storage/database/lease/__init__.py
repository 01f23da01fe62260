"""The lease of an identity, and what may be written only under it."""

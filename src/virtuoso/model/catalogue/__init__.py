"""Lists what there is of a kind, once: documents, alert kinds, factors, feed kinds. Everything else is derived."""

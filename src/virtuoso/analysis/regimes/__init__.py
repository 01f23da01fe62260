"""A symbol's regime with probabilities, and how long it is kept."""

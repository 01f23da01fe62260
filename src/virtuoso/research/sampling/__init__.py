"""A set of bars with all that was said of it and what followed, at sampled closes: what every judgement begins with."""

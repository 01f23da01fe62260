"""Delivery: what was committed is sent, in order, once, and marked where it may be a repeat."""

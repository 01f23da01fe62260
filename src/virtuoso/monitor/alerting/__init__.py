"""Joins findings, stages and rules to the alerts of one monitor, and serves what people say to them."""

"""Incidents, notices, deliveries, and the documents about them."""

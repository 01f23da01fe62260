"""Long forms: `make soak` runs them, `make test` leaves them out or runs a short form."""

import os

import pytest

SOAK = os.environ.get("VIRTUOSO_SOAK") == "1"


def soak_only(reason: str) -> pytest.MarkDecorator:
    """Left out of `make test` for this reason."""
    return pytest.mark.skipif(not SOAK, reason=f"{reason}: make soak")

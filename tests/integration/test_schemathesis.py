"""schemathesis over the OpenAPI document of the running program: no failures."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from tests.support.program import Program

EXAMPLES = 30


@pytest.mark.slow
def test_no_failures(program: Program) -> None:
    import requests
    import schemathesis  # a second of work, for this test alone
    from schemathesis.specs.openapi.checks import positive_data_acceptance

    document = schemathesis.openapi.from_url(f"{program.url}/openapi.json")
    tested = []
    with requests.Session() as session:  # one connection, and no look at the machine's proxies for each request
        session.trust_env = False
        for result in document.exclude(path="/api/stream").get_all_operations():  # it does not end; tested apart
            operation = result.ok()

            @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
            @given(case=operation.as_strategy())
            def validate(case: Any) -> None:
                # Which texts are conditions of a rule is for their language to say, and for no schema.
                excluded = [positive_data_acceptance] if case.operation.label == "POST /api/alerts/rules" else []
                case.call_and_validate(session=session, excluded_checks=excluded)

            validate()
            tested.append(operation.path)
    assert "/api/symbols/{symbol}/bars" in tested
    assert len(tested) >= 29

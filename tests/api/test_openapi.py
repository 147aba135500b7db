"""What the OpenAPI page promises, held against seeded random requests to every route."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.identity import sessions, users
from api.identity.callers import Role
from api.identity.clock import now_ms
from api.identity.demo_users import DEMO_USERS
from engine.progress import State
from tests.api.conftest import make_app, quick_passwords
from tests.api.near_engine import NearEngine, RecordedEngine
from tests.api.people import PAGE
from tests.api.serving import serving_apart

EXAMPLES = 8
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def market_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    """Give an API for the module; what one request does, the next ones meet."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        quick_passwords(monkeypatch)
        app = make_app(tmp_path_factory.mktemp("openapi"))
    app.state.services.follower._stand(State.READY, "up to date")
    near = app.state.services.sender
    assert isinstance(near, NearEngine)
    recorded = app.state.services.sender = RecordedEngine(near.exchange, near.services)
    yield app
    recorded.close()
    app.state.services.history.close()


@pytest.fixture(scope="module")
def described(market_api: FastAPI) -> Iterator[schemathesis.BaseSchema]:
    """Give what the API says of itself; streams, which never end, are left out."""
    with serving_apart(market_api) as port:
        loaded = schemathesis.openapi.from_url(f"http://127.0.0.1:{port}/openapi.json")
        yield loaded.exclude(path_regex="^/stream")


def session_of(app: FastAPI, username: str, role: Role) -> str:
    """Sign somebody in without a password, whatever earlier requests did to them."""
    with app.state.identity.database.engine.begin() as connection:
        user = users.by_username(connection, username)
        assert user is not None
        users.change(connection, user.user_id, disabled=False, role=role)
        return sessions.open_for_browser(connection, user.user_id, address="", now_ms=now_ms()).secret


def test_every_answer_is_one_that_the_page_promises(
    market_api: FastAPI, described: schemathesis.BaseSchema, subtests: pytest.Subtests
) -> None:
    operations = [found.ok() for found in described.get_all_operations()]
    assert len(operations) > 30
    for operation in operations:
        with subtests.test(operation.label):
            hold(operation, market_api)


def hold(operation: APIOperation, app: FastAPI) -> None:
    """Send good and bad requests to a route, from everybody, and look at the answers."""
    good = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    bad = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)

    @given(case=good | bad)
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    def answers_as_promised(case: Case) -> None:
        case.call_and_validate(headers={"origin": PAGE}, checks=CHECKS)
        for user in DEMO_USERS:
            secret = session_of(app, user.username, user.role)
            shown = {"origin": PAGE, "authorization": f"Bearer {secret}"}
            case.call_and_validate(headers=shown, checks=CHECKS)

    answers_as_promised()

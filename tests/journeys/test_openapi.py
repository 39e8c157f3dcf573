"""The description of the HTTP routes, and whatever schemathesis makes of it, against a started server."""

from __future__ import annotations

import asyncio
import warnings
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from loadtest.server_process import LoupeServer

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of its own imports
    import schemathesis

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]
EXAMPLES = 20
ERROR = {"type", "code", "message", "ref", "taken_by", "retry_after_s", "expected", "position"}
ENDS_THE_SESSION = "/api/sign-out"


def signed_in(server: LoupeServer) -> requests.Session:
    """A manager and a customer in one browser."""
    browser = requests.Session()
    browser.headers["Origin"] = server.base
    body = {"username": server.facts["username"], "password": server.facts["password"]}
    assert browser.post(f"{server.base}/api/sign-in", json=body).status_code == 200
    assert browser.post(f"{server.base}/api/enter", json={"shop": "demo", "name": "Ann"}).status_code == 200
    return browser


def known_ids(browser: requests.Session, base: str) -> list[str]:
    """What a path may name that is really there."""
    customer = browser.post(f"{base}/api/enter", json={"shop": "demo"}).json()["customer"]["id"]
    hello = {"type": "chat.hello", "ref": "1", "device": "device-schema", "tab": "t"}
    said = {"type": "chat.append", "ref": "2", "n": 1, "id": "m-schema-01", "stream": f"c.{customer}", "kind": "text"}
    frames = [hello, {**said, "body": {"text": "Hello"}}]
    poll: dict[str, Any] = {"device": "device-schema", "tab": "t", "side": "customer", "frames": frames, "wait_s": 2}
    assert browser.post(f"{base}/api/chat/poll", json=poll).status_code == 200
    left = {"id": "left-schema", "name": "Ann", "text": "Is anybody there?"}
    assert browser.post(f"{base}/api/left-messages", files={k: (None, v) for k, v in left.items()}).status_code == 200
    return [customer, f"c.{customer}", f"n.{customer}", "left-schema"]


def judge(operation: Any, response: Any) -> None:
    """One error shape, no fault of ours, and what is described is what is answered."""
    said = f"{operation.label}: {response.status_code} {response.content[:300]!r}"
    assert response.status_code < 500, said
    if response.status_code >= 400:
        error = response.json()
        assert error["type"] == "error", said
        assert set(error) <= ERROR, said
        assert error["code"] not in ("unexpected", "internal"), said
        assert error["message"], said
    operation.validate_response(response)


def examine(server: LoupeServer) -> dict[str, set[int]]:
    browser = signed_in(server)
    ids = known_ids(browser, server.base)
    schema = schemathesis.openapi.from_url(f"{server.base}/api/openapi.json")
    schema.config.generation.update(with_security_parameters=False)  # the browser has its cookies
    met: dict[str, set[int]] = {}
    for found in schema.get_all_operations():
        operation = found.ok()  # type: ignore[union-attr]  # what could not be read has none, and this fails
        fitting = [id for id in ids if ("." in id) is ("/streams/" in operation.path)]
        met[operation.label] = ask_often(server.base, browser, operation, fitting)
    assert browser.get(f"{server.base}/api/me").status_code == 200
    return met


def ask_often(base: str, browser: requests.Session, operation: Any, ids: list[str]) -> set[int]:
    statuses: set[int] = set()

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(), known=st.none() | st.sampled_from(ids))
    def ask(case: Any, known: str | None) -> None:
        if known is not None and case.path_parameters:
            case.path_parameters["id"] = known
        if isinstance(case.body, dict):
            real = (
                {"wait_s": 0}
                if known is None
                else {"wait_s": 0, "shop": "demo", "conversation": ids[0].removeprefix("c.")}
            )
            case.body |= {name: value for name, value in real.items() if name in case.body}
        of = requests.Session() if case.path == ENDS_THE_SESSION else browser
        response = case.call(base_url=base, session=of, headers={"Origin": base})
        statuses.add(response.status_code)
        judge(operation, response)

    ask()
    return statuses


async def test_whatever_is_asked_of_a_described_route_is_answered_in_the_described_shape(server: LoupeServer) -> None:
    met = await asyncio.to_thread(examine, server)
    assert len(met) > 40
    answered = {label for label, statuses in met.items() if 200 in statuses}
    assert answered >= {"GET /api/me", "POST /api/enter", "GET /api/streams/{id}", "GET /api/customers/{id}/profile"}, (
        met
    )


async def test_every_route_of_the_api_is_described(server: LoupeServer) -> None:
    from signaling.openapi import ROUTES

    described = await asyncio.to_thread(lambda: requests.get(f"{server.base}/api/openapi.json", timeout=10).json())
    told = {f"{method.upper()} {path}" for path, of in described["paths"].items() for method in of}
    assert told == set(ROUTES)

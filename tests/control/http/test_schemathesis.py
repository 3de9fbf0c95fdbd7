"""The API does what its description says: each operation with what fits it and what does not.

Asked by the operator, by a user and by nobody, of a server that runs. The same requests each time.
"""

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings, strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from offhook.control.http.openapi import document
from offhook.control.http.server import ROUTES
from offhook.tests.kit.api import TOKEN, Api
from offhook.tests.kit.running_api import RunningApi
from offhook.tests.kit.tenant import Tenant

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
DESCRIPTION: dict[str, Any] = json.loads(msgspec.json.encode(document(ROUTES, "0")))
SCHEMA = schemathesis.openapi.from_dict(DESCRIPTION)
OPERATIONS = {
    f"{found.ok().method.upper()} {found.ok().path}": found.ok()
    for found in SCHEMA.get_all_operations()
    if isinstance(found, Ok)
}
# Whoever asks must be there to the end.
SPARED = ("/v1/accounts/{id}",)
EXAMPLES = 3
"Of what fits and of what does not, for each who asks."
TIMEOUT_S = 20.0
MAX_URL_CHARS = 8000
"A longer one is no request: it is refused before there is anything to describe."


@schemathesis.serializer("audio/wav")
def write_wav(context: schemathesis.SerializationContext, value: Any) -> bytes:
    """Bytes as they are; whatever else is no WAV."""
    return value if isinstance(value, bytes) else str(value).encode()


class Askers(msgspec.Struct):
    """Who asks, and what is there to be asked about."""

    url: str
    tokens: dict[str, str]
    tenant: Tenant


@pytest.fixture(scope="module")
def askers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Askers]:
    with RunningApi(tmp_path_factory.mktemp("api")) as running:

        async def settle(api: Api) -> tuple[Tenant, str]:
            tenant = await Tenant(api).settle()
            # Not the access token: it ends when the account signs out, which is asked for, too.
            key = await tenant.post("/v1/api-keys", {"name": "all", "scopes": ["*"]})
            return tenant, key["key"]

        tenant, key = running.do(settle)
        yield Askers(running.url, {"operator": TOKEN, "user": key, "nobody": ""}, tenant)


def ids_for(path: str, tenant: Tenant) -> dict[str, str]:
    """The ids of things that are there, for the parts of a path."""
    if path in SPARED or "{" not in path:
        return {}
    try:
        filled = tenant.path_of(path).split("/")
    except KeyError:  # test_isolation.py tells what is missing
        return {}
    pairs = zip(path.split("/"), filled, strict=True)
    return {part.strip("{}"): id_ for part, id_ in pairs if part.startswith("{")}


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_does_what_its_description_says(name: str, askers: Askers) -> None:
    operation = OPERATIONS[name]
    there = ids_for(operation.path, askers.tenant)
    session = requests.Session()

    @settings(
        max_examples=EXAMPLES * 2 * len(askers.tokens),
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    @given(
        case=st.one_of(
            operation.as_strategy(generation_mode=GenerationMode.POSITIVE),
            operation.as_strategy(generation_mode=GenerationMode.NEGATIVE),
        ),
        who=st.sampled_from(list(askers.tokens)),
        is_there=st.booleans(),
    )
    def ask(case: schemathesis.Case[Any], who: str, is_there: bool) -> None:
        if is_there and there:
            case.path_parameters = dict(there)
        headers = {"Authorization": f"Bearer {askers.tokens[who]}"}
        response = case.call(
            base_url=askers.url, session=session, headers=headers, timeout=TIMEOUT_S
        )
        if len(response.request.url or "") > MAX_URL_CHARS and response.status_code == 400:
            return
        case.validate_response(response, checks=CHECKS)

    ask()
    session.close()


def test_every_operation_is_asked() -> None:
    described = {
        f"{method.upper()} {path}" for path, item in DESCRIPTION["paths"].items() for method in item
    }
    assert set(OPERATIONS) == described

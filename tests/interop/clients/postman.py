"""Runs a Postman collection (version 2.1), as far as ours go.

A request's example is sent as it stands, with the variables of the collection and with ids of what
earlier answers told of. What is deleted is deleted at the end, last made first.
"""

import re
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import aiohttp
import msgspec

_VARIABLE = re.compile(r"\{\{(\w+)\}\}")
_PLACE = re.compile(r"\{(\w+)\}")


class Answered(msgspec.Struct, frozen=True):
    """What came of one request."""

    name: str
    status: int
    told: Any


class PostmanRunner:
    """One run: `variables` are the collection's and what the person fills in, as a token."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        collection: dict[str, Any],
        *,
        ids: dict[str, str],
        fields: dict[str, dict[str, Any]],
        files: dict[str, tuple[str, str]],
        queries: dict[str, str],
        before: dict[str, Callable[[], Awaitable[None]]],
    ) -> None:
        """`ids`: kind -> how its ids begin; the rest: what the person fills in.

        `fields`: request -> fields of its body instead of the example's; `files`: request -> name
        and content; `queries`: what parameters are, where they are needed;
        `before`: request -> what is done first.
        """
        self._http = http
        self._collection = collection
        self._kinds = ids
        self._fields = fields
        self._files = files
        self._queries = queries
        self._before = before
        self.variables = {each["key"]: each["value"] for each in collection["variable"]}
        self.ids: dict[str, str] = {}

    async def run(self) -> list[Answered]:
        """All of its requests, in their order: what takes away comes last there."""
        return [await self._send(each) for each in self._requests()]

    def _requests(self) -> Iterator[dict[str, Any]]:
        for folder in self._collection["item"]:
            yield from folder["item"]

    async def _send(self, item: dict[str, Any]) -> Answered:
        name, request = item["name"], item["request"]
        if name in self._before:
            await self._before[name]()
        url = self._variables_in(request["url"]["raw"])
        for part in request["url"].get("variable", ()):
            url = url.replace(f":{part['key']}", self.ids[part["key"]])
        query = [each["key"] for each in request["url"].get("query", ())]
        params = {key: self._queries[key] for key in query if key in self._queries}
        headers = {each["key"]: each["value"] for each in request["header"]}
        if request.get("auth", self._collection["auth"])["type"] == "bearer":
            (bearer,) = self._collection["auth"]["bearer"]
            headers["Authorization"] = f"Bearer {self._variables_in(bearer['value'])}"
        body = self._body(name, request.get("body"), headers)
        sent = self._http.request(request["method"], url, params=params, headers=headers, data=body)
        async with sent as response:
            answered = Answered(name, response.status, await response.json())
        assert answered.status < 300, answered
        self._learn(answered.told)
        return answered

    def _body(self, name: str, body: dict[str, Any] | None, headers: dict[str, str]) -> Any:
        if body is None:
            if name not in self._fields:
                return None
            headers["Content-Type"] = "application/json"
            return msgspec.json.encode(self._fields[name])
        if body["mode"] == "raw":
            example = msgspec.json.decode(self._ids_in(body["raw"]))
            return msgspec.json.encode(example | self._fields.get(name, {}))
        form = aiohttp.FormData()
        if body["mode"] == "urlencoded":
            shown = {field["key"]: field["value"] for field in body["urlencoded"]}
            for key, value in (shown | self._fields.get(name, {})).items():
                form.add_field(key, self._ids_in(value))
            return form
        for field in body["formdata"]:
            if field["type"] == "file":
                file_name, content = self._files[name]
                form.add_field("file", self._ids_in(content).encode(), filename=file_name)
            elif field["key"] in self._fields.get(name, {}):
                form.add_field(field["key"], self._ids_in(self._fields[name][field["key"]]))
        return form

    def _variables_in(self, text: str) -> str:
        return _VARIABLE.sub(lambda found: str(self.variables[found[1]]), text)

    def _ids_in(self, text: str) -> str:
        return _PLACE.sub(lambda found: self.ids[found[1]], text)

    def _learn(self, told: Any) -> None:
        """Of each kind the id that was told first."""
        if isinstance(told, list):
            for inner in told:
                self._learn(inner)
        elif isinstance(told, dict):
            if isinstance(told.get("token"), str):
                self.variables["token"] = told["token"]
            for name, inner in told.items():
                for kind, start in self._kinds.items():
                    if name in ("_id", "importId") and str(inner).startswith(start):
                        self.ids.setdefault(kind, inner)
                self._learn(inner)

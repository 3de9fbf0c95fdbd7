"""Workflows: what an agent is told and how it speaks. Every session follows one."""

import builtins

from .requests import Requests
from .values import Json, Workflow, read, read_all

PATH = "/api/workflows/"


class Workflows:
    """`client.workflows`. Every verb raises ApiError, ConnectionFailed or UnreadableAnswer."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    def list(self) -> builtins.list[Workflow]:
        """All of this account's."""
        return read_all(Workflow, self._requests.ask("GET", PATH))

    def create(
        self,
        name: str,
        prompt_template: str,
        description: str | None = None,
        voice_settings: Json | None = None,
    ) -> Workflow:
        """Add one. `voice_settings`: `voice`, `rate` (`+5%`), `pitch` (`+2Hz`)."""
        body: Json = {
            "name": name,
            "description": description,
            "prompt_template": prompt_template,
            "voice_settings": voice_settings,
        }
        return read(Workflow, self._requests.ask("POST", PATH, body=body))

    def update(
        self,
        workflow_id: int,
        *,
        name: str | None = None,
        description: str | None = None,
        prompt_template: str | None = None,
        voice_settings: Json | None = None,
        is_active: bool | None = None,
    ) -> Workflow:
        """Change what is given; what is None stays."""
        body: Json = {
            "name": name,
            "description": description,
            "prompt_template": prompt_template,
            "voice_settings": voice_settings,
            "is_active": is_active,
        }
        return read(Workflow, self._requests.ask("PUT", f"{PATH}{int(workflow_id)}", body=body))

    def delete(self, workflow_id: int) -> None:
        """Remove it."""
        self._requests.ask("DELETE", f"{PATH}{int(workflow_id)}")

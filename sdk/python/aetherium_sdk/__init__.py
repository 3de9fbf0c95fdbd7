"""A client of the Aetherium API: `AetheriumClient(base_url, api_key)`."""

from .client import AetheriumClient
from .errors import (
    AetheriumError,
    ApiError,
    AuthenticationRequired,
    ConnectionFailed,
    NotFound,
    PermissionDenied,
    RateLimited,
    ServerFailed,
    UnreadableAnswer,
    ValidationFailed,
)
from .sessions import Sessions
from .stream import SessionStream
from .values import Session, SessionPage, Update, Workflow
from .workflows import Workflows

__all__ = [
    "AetheriumClient",
    "AetheriumError",
    "ApiError",
    "AuthenticationRequired",
    "ConnectionFailed",
    "NotFound",
    "PermissionDenied",
    "RateLimited",
    "ServerFailed",
    "Session",
    "SessionPage",
    "SessionStream",
    "Sessions",
    "UnreadableAnswer",
    "Update",
    "ValidationFailed",
    "Workflow",
    "Workflows",
]

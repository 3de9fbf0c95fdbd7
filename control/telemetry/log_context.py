"""What the work in progress is about: of which request, account and call. Log records carry it.

Context variables: a task hands them on to the tasks that it starts. Who begins a request sets
REQUEST and ACCOUNT (http/watching.py), who begins a call sets CALL in the call's own task.
"""

from contextvars import ContextVar

REQUEST: ContextVar[str] = ContextVar("offhook_request", default="")
"The request's id, as its response shows it."
ACCOUNT: ContextVar[str] = ContextVar("offhook_account", default="")
"Who asks."
CALL: ContextVar[str] = ContextVar("offhook_call", default="")
"The call's id."

FIELDS: tuple[tuple[str, ContextVar[str]], ...] = (
    ("request", REQUEST),
    ("account", ACCOUNT),
    ("call", CALL),
)
"As they are called in a record, in the order in which they are shown."


def context_fields() -> dict[str, str]:
    """Those that are known here."""
    return {name: value for name, variable in FIELDS if (value := variable.get())}

"""HTML that cannot be forgotten to be escaped: text is escaped unless it is `Html` already.

Pure. Not here: what a page looks like (report_page.py).
"""

import html
from collections.abc import Iterable

VOID = frozenset({"meta", "br"})
"Elements without an end."


class Html(str):
    """Markup, by construction: only this module and constants of ours make it."""

    __slots__ = ()


def escaped(text: str) -> Html:
    """Text as markup; markup as it is."""
    return text if isinstance(text, Html) else Html(html.escape(text, quote=True))


def joined(parts: Iterable[str]) -> Html:
    """One after the other."""
    return Html("".join(escaped(part) for part in parts))


def tag(name: str, /, *inside: str, **attributes: str | float | bool | None) -> Html:
    """An element. `class_` is `class`, `_` in a name is `-`; None and False leave one out."""
    written = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in VOID:
        return Html(f"<{name}{written}>")
    return Html(f"<{name}{written}>{joined(inside)}</{name}>")


def _attribute(key: str, value: str | float | bool | None) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{html.escape(str(value), quote=True)}"'

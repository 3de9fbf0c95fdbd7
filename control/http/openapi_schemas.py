"""Structs as the schemas of an OpenAPI document (JSON Schema 2020-12). Pure.

What a field means stands as a string under it in its Struct; the sources are read for these once,
when the document is built. A field without one means what its word means everywhere
(field_words.py).
"""

import ast
import functools
import inspect
import re
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, get_args, get_origin

import msgspec

from .field_words import WORDS
from .lists import List

REF = "#/components/schemas/{name}"
PACKAGE = f"{__name__.partition('.')[0]}."
_GENERIC = re.compile(r"List_(\w+)_\Z")
_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9.\-_]")

Json = dict[str, Any]


class Schemas:
    """The schemas of some types, and of all that these hold."""

    def __init__(self, asked: Sequence[Any], answered: Sequence[Any]) -> None:
        """`asked`: what clients send; `answered`: what they get."""
        types = list(dict.fromkeys([*asked, *answered]))
        lists = Counter(get_args(type_)[0].__name__ for type_ in types if get_origin(type_) is List)
        same = [name for name, count in lists.items() if count > 1]
        assert not same, f"lists of different things that have one name: {same}"
        (*schemas,), self.components = msgspec.json.schema_components(types, ref_template=REF)
        self._by_type: dict[Any, Json] = dict(zip(types, schemas, strict=True))
        sent = structs_of(asked)
        for struct in structs_of(types):
            schema = self.components.get(_key(struct, self.components))
            if schema is None:
                continue
            _describe_fields(struct, schema)
            if struct not in sent and not struct.__struct_config__.omit_defaults:
                left_out = _may_be_left_out(struct)
                schema["required"] = [n for n in schema["properties"] if n not in left_out]
        for name, schema in self.components.items():
            _describe_words(name.rpartition(".")[2], schema)
        _portable_patterns(self.components)
        _portable_patterns(list(self._by_type.values()))

    def of(self, type_: Any) -> Json:
        """A type's schema: mostly a reference into the components."""
        return self._by_type[type_]

    def resolved(self, type_: Any) -> Json:
        """A Struct's own schema."""
        schema = self._by_type[type_]
        ref = schema.get("$ref")
        found: Json = self.components[ref.rpartition("/")[2]] if ref else schema
        return found


def _may_be_left_out(struct: type[msgspec.Struct]) -> set[str]:
    """Names of fields that an answer has only where they are set."""
    fields = msgspec.structs.fields(struct)
    return {each.encode_name for each in fields if each.default is msgspec.UNSET}


def structs_of(types: Iterable[Any]) -> set[type[msgspec.Struct]]:
    """These Structs and all that they hold."""
    found: set[type[msgspec.Struct]] = set()
    waiting = [msgspec.inspect.type_info(type_) for type_ in types]
    while waiting:
        info = waiting.pop()
        if isinstance(info, msgspec.inspect.StructType):
            if info.cls in found:
                continue
            found.add(info.cls)
            waiting += [field.type for field in info.fields]
        for name in ("types", "item_types"):
            waiting += getattr(info, name, ())
        for name in ("item_type", "value_type", "type"):
            inner = getattr(info, name, None)
            if isinstance(inner, msgspec.inspect.Type):
                waiting.append(inner)
    return found


def field_docs(struct: type) -> dict[str, str]:
    """The string under each field, of the class and those it is made from."""
    docs: dict[str, str] = {}
    for cls in reversed(struct.__mro__):
        if issubclass(cls, msgspec.Struct) and cls is not msgspec.Struct:
            docs |= _docs_in(cls.__module__).get(cls.__name__, {})
    return docs


@functools.cache
def _docs_in(module: str) -> dict[str, dict[str, str]]:
    """The docs of all classes of a module, read once: `inspect` would read it for each of them."""
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {cls.name: _docs_of(cls) for cls in ast.walk(tree) if isinstance(cls, ast.ClassDef)}


def _docs_of(cls: ast.ClassDef) -> dict[str, str]:
    return {
        field.target.id: inspect.cleandoc(after.value.value)
        for field, after in zip(cls.body, cls.body[1:], strict=False)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(after, ast.Expr)
        and isinstance(after.value, ast.Constant)
        and isinstance(after.value.value, str)
    }


def renamed(value: Any) -> Any:
    """Names for people, wherever they stand.

    `List_AgentView_` is `AgentViewList`; of two Roles, `offhook.….accounts.Role` is `AccountsRole`.
    """
    if isinstance(value, dict):
        return {_name(key): renamed(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [renamed(inner) for inner in value]
    if isinstance(value, str) and value.startswith("#/"):
        head, _, name = value.rpartition("/")
        return f"{head}/{_name(name)}"
    return value


def _name(name: str) -> str:
    if name.startswith(PACKAGE):
        module, _, bare = name.rpartition(".")
        name = module.rpartition(".")[2].capitalize() + bare
    return _GENERIC.sub(r"\1List", name)


def _key(struct: type, components: Json) -> str:
    """What msgspec calls it: two of one name are called by their modules as well."""
    name = _NOT_IN_NAMES.sub("_", struct.__name__)
    return name if name in components else f"{struct.__module__}.{struct.__qualname__}"


def _describe_fields(struct: type[msgspec.Struct], schema: Json) -> None:
    names = dict(zip(struct.__struct_fields__, struct.__struct_encode_fields__, strict=True))
    for field, text in field_docs(struct).items():
        described = schema.get("properties", {}).get(names.get(field, field))
        if described is not None:
            described.setdefault("description", text)


def _describe_words(struct: str, schema: Json) -> None:
    """What is not described yet, by what its word means everywhere."""
    for name, described in schema.get("properties", {}).items():
        options = (described, *described.get("anyOf", ()))
        word = WORDS.get(f"{struct}.{name}") or WORDS.get(name)
        if word is not None and not any("description" in option for option in options):
            described["description"] = word


def _portable_patterns(value: Any) -> None:
    r"""`\Z` is Python's; in JSON Schema `$` is the end and nothing but the end."""
    if isinstance(value, dict):
        pattern = value.get("pattern")
        if isinstance(pattern, str):
            value["pattern"] = re.sub(r"\\Z$", "$", pattern)
        for inner in value.values():
            _portable_patterns(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            _portable_patterns(inner)

"""From a TOML file and environment variables to Structs, with errors that an owner can act on.

Knows no key of ours: the Structs say what is allowed. msgspec converts the leaves; the walk is
ours because msgspec's own errors stop at the first and name neither the value nor its origin.
"""

import difflib
import pathlib
import re
import tomllib
from collections.abc import Mapping
from typing import Annotated, Any, Final, TypeVar, cast, get_args, get_origin

import msgspec
from msgspec import inspect

from ..errors import ConfigError

Tree = dict[str, object]
"""Tables are dicts, arrays are lists, the rest is what tomllib makes of it."""

StructT = TypeVar("StructT", bound=msgspec.Struct)

SECRET_KEYS = ("password", "api_token")
"Never shown, not even in an error."
MAX_ARRAY = 1000
"Entries that the environment may give an array of tables."
NEAR = 0.8
"How alike a name must be to be what was meant (difflib's ratio)."
SWITCH: Final = {"on": True, "true": True, "yes": True, "1": True} | dict.fromkeys(
    ("off", "false", "no", "0"), False
)
PLAIN_WORDS: Final[dict[type, str]] = {
    inspect.BoolType: "true or false",
    inspect.StrType: "text",
    inspect.NoneType: "absent",
    inspect.StructType: "a table",
    inspect.DictType: "a table",
    inspect.ListType: "an array",
    inspect.VarTupleType: "an array",
}
_HEADER = re.compile(r"^\s*\[(\[?)\s*([^\[\]]+?)\s*\]\]?\s*(#.*)?$")
_ASSIGNMENT = re.compile(r"""^\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"))*)\s*=""")
_PLACE = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)")


class Origin:
    """Where each key came from: `file:line`, or the name of a variable."""

    def __init__(self) -> None:
        self._file = ""
        self._places: dict[str, str] = {}

    def note_file(self, path: pathlib.Path, text: str) -> None:
        """Find each key's line. A key inside an inline table is found by the table's line."""
        self._file = str(path)
        table = ""
        counts: dict[str, int] = {}
        for number, line in enumerate(text.splitlines(), 1):
            if match := _HEADER.match(line):
                table = _plain(match[2])
                if match[1]:
                    counts[table] = counts.get(table, -1) + 1
                    table = f"{table}[{counts[table]}]"
                else:
                    table = _in_last_entry(table, counts)
                self._places.setdefault(table, f"{path}:{number}")
            elif match := _ASSIGNMENT.match(line):
                key = _plain(match[1])
                self._places.setdefault(f"{table}.{key}".lstrip("."), f"{path}:{number}")

    def note(self, key: str, place: str) -> None:
        """The key comes from elsewhere."""
        self._places[key] = place

    def of(self, key: str) -> str:
        """The place of a key, or of the nearest thing around it that has one."""
        at = key
        while at:
            if at in self._places:
                return self._places[at]
            at = at.rpartition("[" if at.endswith("]") else ".")[0]
        return self._file or "configuration"

    def error(self, key: str, value: object, expected: str) -> ConfigError:
        """A ConfigError with the key's place; secrets are hidden."""
        name = key.rpartition(".")[2]
        shown = "***" if name in SECRET_KEYS and value is not None else _shown(value)
        return ConfigError(key, shown, self.of(key), expected)


def read_file(path: pathlib.Path, origin: Origin) -> Tree:
    """The tree of a TOML file. Raises ConfigError when it is absent or no TOML."""
    try:
        text = path.read_bytes().decode()
        tree = tomllib.loads(text)
    except FileNotFoundError as exc:
        raise ConfigError("configuration file", "", str(path), "does not exist") from exc
    except OSError as exc:
        why = exc.strerror or str(exc)
        raise ConfigError("configuration file", "", str(path), why) from exc
    except UnicodeDecodeError as exc:
        raise ConfigError("configuration file", "", str(path), "is not UTF-8 text") from exc
    except tomllib.TOMLDecodeError as exc:
        match = _PLACE.search(str(exc))
        source = f"{path}:{match[1]}" if match and match[1] else str(path)
        raise ConfigError("not TOML", "", source, _PLACE.sub("", str(exc))) from exc
    origin.note_file(path, text)
    return tree


class Reader:
    """Reads trees into Structs and gathers everything that is wrong on the way."""

    def __init__(self, origin: Origin) -> None:
        self.origin = origin
        self.errors: list[ConfigError] = []

    def struct(self, value: object, type_: type[StructT], key: str = "") -> StructT | None:
        """The Struct in `value`, or None and at least one more of `errors`."""
        if not isinstance(value, dict):
            self.fail(key, value, "must be a table")
            return None
        before = len(self.errors)
        fields = {field.encode_name: field for field in msgspec.structs.fields(type_)}
        for name in value.keys() - fields.keys():
            allowed = ", ".join(sorted(fields))
            self.fail(_join(key, name), value[name], f"unknown key; there is {allowed}")
        found: dict[str, object] = {}
        for name, field in fields.items():
            if name in value:
                found[field.name] = self._value(value[name], field.type, _join(key, name))
            elif field.required:
                self.fail(_join(key, name), None, "is required")
        if len(self.errors) > before:
            return None
        try:
            return type_(**found)
        except ValueError as exc:  # what the Struct itself finds wrong with them together
            self.fail(key, None, str(exc))
            return None

    def fail(self, key: str, value: object, expected: str) -> None:
        """Note an error."""
        self.errors.append(self.origin.error(key, value, expected))

    def _value(self, value: object, annotation: Any, key: str) -> object:
        info = inspect.type_info(annotation)
        if isinstance(info, inspect.StructType) and info.tag is None:
            return self.struct(value, info.cls, key)
        if isinstance(info, inspect.RawType):
            return msgspec.Raw(msgspec.json.encode(value))
        if isinstance(info, inspect.VarTupleType | inspect.ListType) and isinstance(value, list):
            items = [
                self._value(v, _args(annotation)[0], f"{key}[{i}]") for i, v in enumerate(value)
            ]
            return tuple(items) if isinstance(info, inspect.VarTupleType) else items
        if isinstance(info, inspect.DictType) and isinstance(value, dict):
            type_ = _args(annotation)[1]
            return {k: self._value(v, type_, _join(key, k)) for k, v in value.items()}
        try:
            return msgspec.convert(value, annotation)
        except msgspec.ValidationError as exc:
            self.fail(key, value, f"must be {allowed_text(info) or f'right: {exc}'}")
            return None


# --- the environment ------------------------------------------------------------------------------


def read_environment(
    names: Mapping[str, str], prefix: str, type_: type[msgspec.Struct], tree: Tree, reader: Reader
) -> None:
    """Put variables (`PREFIX_SECTION_KEY`) over the tree; unknown names become errors of `reader`.

    Arrays of tables are numbered (`LINES_0_NAME`), arrays of values have commas, a table of values
    is `a=x,b=y`, a free part is JSON.
    """
    info = inspect.type_info(type_)
    for name, text in sorted(names.items()):
        if not _put(name.removeprefix(prefix), text, info, tree, "", (name, reader)):
            known = _env_names(info, prefix)
            near = difflib.get_close_matches(name, known, n=1, cutoff=NEAR)
            expected = f"unknown; did you mean {near[0]}?" if near else _listed(known)
            reader.errors.append(ConfigError(name, _hidden(name, text), "environment", expected))


def _put(
    rest: str, text: str, info: inspect.Type, node: Tree, key: str, at: tuple[str, Reader]
) -> bool:
    """Set what `rest` names below `node`; False when it names nothing there."""
    assert isinstance(info, inspect.StructType), "settings are Structs"
    name, reader = at
    for field in info.fields:
        upper = field.encode_name.upper()
        inner = _join(key, field.encode_name)
        if rest == upper and not _has_keys(field.type):
            reader.origin.note(inner, name)
            node[field.encode_name] = _parsed(text, field.type, inner, reader)
            return True
        if not rest.startswith(f"{upper}_") or not _has_keys(field.type):
            continue
        below = rest.removeprefix(f"{upper}_")
        if isinstance(field.type, inspect.StructType):
            child = node.setdefault(field.encode_name, {})
            return isinstance(child, dict) and _put(below, text, field.type, child, inner, at)
        return _put_entry(below, text, field, node, inner, at)
    return False


def _put_entry(
    rest: str, text: str, field: inspect.Field, node: Tree, key: str, at: tuple[str, Reader]
) -> bool:
    number, _, below = rest.partition("_")
    entries = node.setdefault(field.encode_name, [])
    if not number.isdecimal() or int(number) >= MAX_ARRAY or not isinstance(entries, list):
        return False
    index = int(number)
    if index > len(entries):
        at[1].fail(f"{key}[{index}]", None, f"the next one is number {len(entries)}")
        return True
    if index == len(entries):
        entries.append({})
        at[1].origin.note(f"{key}[{index}]", at[0])
    assert isinstance(field.type, inspect.VarTupleType), "arrays of tables are tuples of Structs"
    child = entries[index]
    inner = f"{key}[{index}]"
    return isinstance(child, dict) and _put(below, text, field.type.item_type, child, inner, at)


def _parsed(text: str, info: inspect.Type, key: str, reader: Reader) -> object:
    """A variable's text as TOML would have given it; what does not fit stays text, to fail."""
    if isinstance(info, inspect.UnionType):  # absent is said by not setting the variable
        info = next(kind for kind in info.types if not isinstance(kind, inspect.NoneType))
    if isinstance(info, inspect.BoolType):
        return SWITCH.get(text.strip().lower(), text)
    if isinstance(info, inspect.IntType | inspect.FloatType):
        try:
            return int(text) if isinstance(info, inspect.IntType) else float(text)
        except ValueError:
            return text
    if isinstance(info, inspect.VarTupleType):
        return [part.strip() for part in text.split(",") if part.strip()]
    if isinstance(info, inspect.DictType):
        pairs = [part.partition("=") for part in text.split(",") if part.strip()]
        return {left.strip(): right.strip() for left, _, right in pairs}
    if isinstance(info, inspect.RawType):
        try:
            return cast(object, msgspec.json.decode(text))
        except msgspec.DecodeError as exc:
            reader.fail(key, text, f"must be JSON ({exc})")
            return {}
    return text


def _has_keys(info: inspect.Type) -> bool:
    """A table of ours, or an array of such tables."""
    if isinstance(info, inspect.VarTupleType):
        return isinstance(info.item_type, inspect.StructType)
    return isinstance(info, inspect.StructType)


def _listed(known: list[str]) -> str:
    return f"unknown; there is {', '.join(known)}"


def _env_names(info: inspect.Type, prefix: str) -> list[str]:
    assert isinstance(info, inspect.StructType), "settings are Structs"
    names: list[str] = []
    for field in info.fields:
        name = f"{prefix}{field.encode_name.upper()}"
        if isinstance(field.type, inspect.StructType):
            names += _env_names(field.type, f"{name}_")
        elif isinstance(field.type, inspect.VarTupleType) and _has_keys(field.type):
            names.append(f"{name}_0_…")
        else:
            names.append(name)
    return names


# --- words ----------------------------------------------------------------------------------------


def allowed_text(info: inspect.Type) -> str:
    """What a leaf may be, for people; empty when there are no plain words for it."""
    if isinstance(info, inspect.Metadata):
        described = (info.extra_json_schema or {}).get("description")
        return str(described) if described else allowed_text(info.type)
    if isinstance(info, inspect.LiteralType):
        return "one of " + ", ".join(f'"{value}"' for value in info.values)
    if isinstance(info, inspect.IntType | inspect.FloatType):
        return _number_text(info)
    if isinstance(info, inspect.UnionType):
        words = [allowed_text(kind) for kind in info.types]
        return " or ".join(words) if all(words) else ""
    return PLAIN_WORDS.get(type(info), "")


def _number_text(info: inspect.IntType | inspect.FloatType) -> str:
    kind = "a whole number" if isinstance(info, inspect.IntType) else "a number"
    bounds = (("from", info.ge), ("above", info.gt), ("to", info.le), ("below", info.lt))
    return " ".join([kind, *(f"{word} {bound}" for word, bound in bounds if bound is not None)])


def _args(annotation: Any) -> tuple[Any, ...]:
    """The parameters of a container type, with or without `Annotated` around it."""
    bare = get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation
    return get_args(bare)


def _shown(value: object) -> str:
    if value is None:
        return ""
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _hidden(name: str, text: str) -> str:
    secret = any(key.upper() in name for key in SECRET_KEYS) or "KEY" in name or "TOKEN" in name
    return "***" if secret else _shown(text)


def _join(key: str, name: object) -> str:
    return f"{key}.{name}" if key else str(name)


def _plain(dotted: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in dotted.split("."))


def _in_last_entry(table: str, counts: Mapping[str, int]) -> str:
    """`[agents.house]` after `[[agents]]` belongs to the last agent."""
    for array, last in counts.items():
        if table.startswith(f"{array}."):
            return f"{array}[{last}]{table.removeprefix(array)}"
    return table

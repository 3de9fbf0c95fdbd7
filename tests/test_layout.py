"""The folder tree is the architecture: these tests keep the two from drifting apart."""

import ast
import configparser
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]

# Who may import whom. A folder may always import itself.
MAY_IMPORT: dict[str, set[str]] = {
    "codecs": set(),
    "media": {"codecs"},
    "drivers": {"codecs", "media"},
    "control": {"codecs", "media", "drivers"},
    "bench": {"codecs", "media", "drivers", "control"},
}
SOURCES = sorted(path for folder in MAY_IMPORT for path in (ROOT / folder).rglob("*.py"))


def absolute_imports(path: pathlib.Path) -> list[str]:
    """The imports of offhook by its absolute name in the module at `path`."""
    nodes = ast.walk(ast.parse(path.read_text()))
    return [
        name
        for node in nodes
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom) and not node.level
            else []
        )
        if name.split(".")[0] == "offhook"
    ]


def imported_folders(path: pathlib.Path) -> set[str]:
    """The top-level folders of offhook that the module at `path` imports."""
    package = ["offhook", *path.relative_to(ROOT).with_suffix("").parts][:-1]
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            base = base + (node.module.split(".") if node.module else [])
            names += [".".join([*base, alias.name]) for alias in node.names]
    return {name.split(".")[1] for name in names if name.startswith("offhook.")}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_inward(path: pathlib.Path) -> None:
    folder = path.relative_to(ROOT).parts[0]
    assert imported_folders(path) <= MAY_IMPORT[folder] | {folder}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_inside_the_package_are_relative(path: pathlib.Path) -> None:
    assert absolute_imports(path) == []


def test_setup_cfg_lists_every_package() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    listed = set(config["options"]["packages"].split())
    found = {".".join(["offhook", *path.parent.relative_to(ROOT).parts]) for path in SOURCES}
    assert listed == found | {"offhook"}


def test_codecs_has_no_init() -> None:
    # A `codecs/__init__.py` shadows the standard library's `codecs` for every interpreter
    # started with PYTHONPATH at the root and frozen modules off (debuggers do this).
    assert not (ROOT / "codecs" / "__init__.py").exists()

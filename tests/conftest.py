"""Tests run from a checkout, installed or not: the repository root is `offhook`."""

import importlib.util
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]

if "offhook" not in sys.modules:
    spec = importlib.util.spec_from_file_location(
        "offhook", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["offhook"] = module
    spec.loader.exec_module(module)

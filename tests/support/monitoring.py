"""The monitoring plugin in contrib, which is no module by its name."""

import importlib.machinery
import importlib.util
from pathlib import Path
from typing import Any


PLUGIN = Path(__file__).parents[2] / "contrib" / "monitoring" / "check_cospaced"


def plugin() -> Any:
    """Return the plugin as a module."""
    loader = importlib.machinery.SourceFileLoader("check_cospaced", str(PLUGIN))
    spec = importlib.util.spec_from_loader("check_cospaced", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module

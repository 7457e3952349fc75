"""kinerja: evaluation and calibration workbench for civil-service performance. `import kinerja as kj`.

Nothing heavy is imported here: each public name is loaded from its module when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "KinerjaError": "errors",
    "ParameterError": "errors",
    "DataError": "errors",
    "RuleError": "errors",
    "EstimationError": "errors",
    "Finding": "results",
    "Convergence": "results",
}

__all__ = ["__version__", *_HOME]  # noqa: PLE0604  (names resolved by __getattr__)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"kinerja.{_HOME[name]}"), name)
    raise AttributeError(f"module 'kinerja' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)

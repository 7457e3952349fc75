"""kinerja: evaluation and calibration workbench for civil-service performance. `import kinerja as kj`.

Nothing heavy is imported here: each public name is loaded from its module when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOME = {
    # run
    "open_run": "evaluation",
    "evaluate": "evaluation",
    "Evaluation": "evaluation",
    "write_report": "report",
    "batch": "report.batch",
    "verify_run": "evaluation.verification",
    # read
    "load_parameters": "parameters",
    "read_inputs": "evaluation",
    "load_rules": "rules",
    # estimate
    "score": "scoring",
    "estimate_citizens": "citizens",
    "fit_raters": "raters.rasch",
    "calibrate": "calibration",
    "check_fairness": "fairness",
    "plan_evidence": "calibration.plan",
    # people
    "sheet": "people.sheet",
    "appeal": "people.appeal",
    "replay_decisions": "moderation",
    # look
    "explore": "explorer",
    "view": "explorer.view",
    "section": "report.contents",
    "compare": "evaluation.comparison",
    # errors
    "KinerjaError": "errors",
    "ParameterError": "errors",
    "DataError": "errors",
    "RuleError": "errors",
    "EstimationError": "errors",
}
"""Public name -> its module, in six groups; everything else is in the folder of its concept."""

__all__ = ["__version__", *_HOME]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"kinerja.{_HOME[name]}"), name)
    raise AttributeError(f"module 'kinerja' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)

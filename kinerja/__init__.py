"""kinerja: evaluation and calibration workbench for civil-service performance. `import kinerja as kj`.

Nothing heavy is imported here: each public name is loaded from its module when first used.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
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
    "Parameters": "parameters",
    "load_parameters": "parameters",
    "Rules": "rules",
    "load_rules": "rules",
    "Inputs": "sources",
    "read_sources": "sources",
    "Scores": "scoring",
    "score": "scoring",
    "Feedback": "feedback",
    "estimate_feedback": "feedback",
    "RaterUse": "raters",
    "estimate_rater_use": "raters",
    "RaterFit": "facets",
    "fit_facets": "facets",
    "MixedFit": "mixed",
    "fit_mixed": "mixed",
    "Calibration": "calibration",
    "Prior": "calibration",
    "calibrate": "calibration",
    "EvidencePlan": "calibration_plan",
    "plan_evidence": "calibration_plan",
    "CaseMix": "case_mix",
    "adjust_case_mix": "case_mix",
    "Moderation": "decisions",
    "replay_decisions": "decisions",
    "session_view": "decisions",
    "Session": "sections_session",
    "open_session": "sections_session",
    "session_section": "sections_session",
    "read_decisions": "decisions_log",
    "append_decision": "decisions_log",
    "Sheet": "explain",
    "explain": "explain",
    "explain_all": "explain",
    "Appeal": "appeal",
    "appeal": "appeal",
    "AppealReplay": "appeal_replay",
    "replay_appeal": "appeal_replay",
    "write_sheets": "report_sheet",
    "sheet_section": "report_sheet",
    "Comparison": "comparison",
    "compare_evaluations": "comparison",
    "Verification": "verification",
    "verify_run": "verification",
    "BiasChecks": "bias",
    "check_bias": "bias",
    "Evaluation": "evaluation",
    "evaluate": "evaluation",
    "open_run": "evaluation",
    "load_evaluation": "evaluation",
    "Table": "tables",
    "table": "tables",
    "Chart": "plots",
    "Section": "sections",
    "section": "sections",
    "unit_section": "sections_unit",
    "reader_section": "sections_reader",
    "write_reader_report": "report_reader",
    "Worked": "sections_methods",
    "worked": "sections_methods",
    "opening": "sections_methods",
    "Review": "sections_review",
    "open_review": "sections_review",
    "review": "sections_review",
    "write_report": "report",
    "Batch": "report_batch",
    "batch": "report_batch",
    "Signoff": "signoff",
    "sign_off": "signoff",
    "read_signoff": "signoff",
    "explore": "widgets",
    "View": "widgets_view",
    "view": "widgets_view",
    "Access": "widgets_access",
    "open_restricted": "widgets_access",
    "workshop_page": "workshop",
}

__all__ = ["__version__", *_HOME]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"kinerja.{_HOME[name]}"), name)
    raise AttributeError(f"module 'kinerja' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)


class _Package(ModuleType):
    """Importing `kinerja.people.sheet` binds that module to the package's name `explain`: the public function keeps it."""

    def __setattr__(self, name: str, value: Any) -> None:
        is_home = isinstance(value, ModuleType) and _HOME.get(name) == name
        super().__setattr__(name, getattr(value, name) if is_home else value)


sys.modules[__name__].__class__ = _Package

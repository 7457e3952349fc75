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
    "Parameters": "parameters",
    "load_parameters": "parameters",
    "Rules": "rules",
    "load_rules": "rules",
    "Inputs": "inputs",
    "read_sources": "inputs",
    "Scores": "scoring",
    "score": "scoring",
    "Citizens": "citizens",
    "estimate_citizens": "citizens",
    "RaterUse": "raters",
    "estimate_rater_use": "raters",
    "RaterFit": "raters.rasch",
    "fit_raters": "raters.rasch",
    "MixedFit": "raters.mixed",
    "fit_mixed": "raters.mixed",
    "Calibration": "calibration",
    "Prior": "calibration",
    "calibrate": "calibration",
    "EvidencePlan": "calibration.plan",
    "plan_evidence": "calibration.plan",
    "CaseMix": "citizens.case_mix",
    "adjust_case_mix": "citizens.case_mix",
    "Moderation": "moderation",
    "replay_decisions": "moderation",
    "session_view": "moderation",
    "Session": "report.parts.session",
    "open_session": "report.parts.session",
    "session_section": "report.parts.session",
    "read_decisions": "moderation.log",
    "append_decision": "moderation.log",
    "Sheet": "people.sheet",
    "explain": "people.sheet",
    "sheets": "people.sheet",
    "Appeal": "people.appeal",
    "appeal": "people.appeal",
    "AppealReplay": "people.appeal.replay",
    "replay_appeal": "people.appeal.replay",
    "write_sheets": "report.sheet",
    "sheet_section": "report.sheet",
    "Comparison": "evaluation.comparison",
    "compare": "evaluation.comparison",
    "Verification": "evaluation.verification",
    "verify_run": "evaluation.verification",
    "Fairness": "fairness",
    "check_fairness": "fairness",
    "Evaluation": "evaluation",
    "evaluate": "evaluation",
    "open_run": "evaluation",
    "load_evaluation": "evaluation",
    "Table": "show.tables",
    "table": "show.tables",
    "Chart": "show.charts",
    "Section": "show.section",
    "section": "report.contents",
    "unit_section": "report.parts.unit",
    "reader_section": "report.parts.reader",
    "write_reader_report": "report.reader",
    "Worked": "methods",
    "worked": "methods",
    "opening": "methods",
    "Review": "report.parts.review",
    "open_review": "report.parts.review",
    "review": "report.parts.review",
    "write_report": "report",
    "Batch": "report.batch",
    "batch": "report.batch",
    "Signoff": "report.signoff",
    "sign_off": "report.signoff",
    "read_signoff": "report.signoff",
    "explore": "explorer",
    "View": "explorer.view",
    "view": "explorer.view",
    "Access": "explorer.access",
    "open_restricted": "explorer.access",
    "workshop_page": "workshop",
}

__all__ = ["__version__", *_HOME]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"kinerja.{_HOME[name]}"), name)
    raise AttributeError(f"module 'kinerja' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)

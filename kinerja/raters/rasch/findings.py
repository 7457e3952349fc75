"""What a reader of a rater model must know before using it, as findings."""

from __future__ import annotations

from typing import Any

import numpy as np

from kinerja.raters.rasch.design import Design
from kinerja.raters.rasch.estimation import Estimated, Plan
from kinerja.results import CANNOT, Finding

NAMED = 5
"""Ids that a sentence lists before it says "and others"."""


def build_findings(design: Design, plan: Plan, found: Estimated, tables: dict[str, Any]) -> tuple[Finding, ...]:
    """Stops first, then cautions, then notes."""
    findings = [
        *_not_converged(found),
        *_subsets(design, plan, found, tables),
        *_cannot(tables),
        *_assumptions(design, plan, found),
        *_extremes(design, found),
        *_categories(tables),
    ]
    if design.dropped:
        findings.append(Finding(level="note", code="facets_dropped", data={"n": design.dropped}))
    rank = {"stop": 0, "caution": 1, "note": 2}
    return tuple(sorted(findings, key=lambda f: rank[f.level]))


def _not_converged(found: Estimated) -> list[Finding]:
    c = found.convergence
    if c.converged:
        return []
    return [Finding(level="stop", code="facets_not_converged", data={"n": c.iterations, "change": c.change})]


def _subsets(design: Design, plan: Plan, found: Estimated, tables: dict[str, Any]) -> list[Finding]:
    """Unconnected subsets: which comparisons they forbid, or which assumption bridges them."""
    subsets = tables["subsets"]
    if len(subsets) < 2 or plan.rater is None:
        return []
    largest = subsets.sort_values(["n", "subset"], ascending=[False, True]).iloc[0]
    data = {"n": len(subsets), "largest": int(largest["subset"]), "raters": int(largest["raters"]),
            "ratees": int(largest["ratees"]), "example": _example(subsets, plan)}  # fmt: skip
    code = "facets_subsets_linked" if _bridged(found, plan) else "facets_subsets"
    return [Finding(level="caution", code=code, data=data)]


def _bridged(found: Estimated, plan: Plan) -> bool:
    settings, rater = plan.settings, plan.settings["facets"][plan.rater]
    groups = any(f in (rater, settings["positive"][0]) for f, _, _ in settings["group_anchors"])
    anchors = any(settings["anchors"].get(f) for f in (rater, settings["positive"][0]))
    return bool(settings["link"] or rater in settings["penalty"] or groups or anchors)


def _example(subsets: Any, plan: Plan) -> str:
    """Two raters, one of each of the first two subsets, who can't be compared."""
    first = [str(members).split(", ")[0] for members in subsets["members"].iloc[:2]]
    return " / ".join(first)


def _cannot(tables: dict[str, Any]) -> list[Finding]:
    elements = tables["elements"]
    found = []
    for code, rows in elements[elements["status"] == CANNOT].groupby("reason", sort=True):
        for facet, of_facet in rows.groupby("facet", sort=False):
            data = {"n": len(of_facet), "facet": str(facet), "members": _named(of_facet["element"])}
            found.append(Finding(level="caution", code=f"facets_{code}", data=data))
    return found


def _assumptions(design: Design, plan: Plan, found: Estimated) -> list[Finding]:
    settings = plan.settings
    findings = []
    if settings["method"] == "joint":
        per_ratee = np.bincount(design.rows(found.active.rows).codes[plan.ratee], minlength=design.size(plan.ratee))
        per_ratee = per_ratee[per_ratee > 1]
        if len(per_ratee):
            factor = 1.0 / (1.0 - float(np.mean(1.0 / per_ratee)))
            code = "facets_joint_bias" if settings["correction"] is None else "facets_joint_bias_corrected"
            findings.append(Finding(level="note", code=code, data={"factor": factor, "n": float(np.median(per_ratee))}))
    for f, sd in enumerate(found.prior_sd):
        if sd:
            findings.append(
                Finding(level="note", code="facets_shrunk", data={"facet": design.facets[f], "sd": float(sd)})
            )
    return findings


def _extremes(design: Design, found: Estimated) -> list[Finding]:
    findings = []
    for f, name in enumerate(design.facets):
        n = int((found.active.extreme[f] != 0).sum())
        if n:
            findings.append(Finding(level="note", code="facets_extreme", data={"n": n, "facet": name}))
    return findings


def _categories(tables: dict[str, Any]) -> list[Finding]:
    findings = []
    unused, categories, thresholds = tables["unused_categories"], tables["categories"], tables["thresholds"]
    if len(unused):
        named = ", ".join(f"{value:g}" for value in sorted(unused["category"].unique()))
        findings.append(
            Finding(level="note", code="facets_unused_categories", data={"n": len(unused), "members": named})
        )
    rare = int((categories["n"] < 10).sum())
    if rare:
        findings.append(Finding(level="note", code="facets_rare_categories", data={"n": rare}))
    step = thresholds.groupby("group", sort=False)["estimate"].diff()
    disordered = int((step < 0).sum())
    if disordered:
        findings.append(Finding(level="note", code="facets_disordered", data={"n": disordered}))
    return findings


def _named(ids: Any) -> str:
    listed = ", ".join(str(i) for i in ids.iloc[:NAMED])
    return listed + (", ..." if len(ids) > NAMED else "")

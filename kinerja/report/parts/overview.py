"""Section 1: one screen. How much there is, the findings that matter with links, and what must not be concluded."""

from __future__ import annotations

import math
from collections.abc import Iterator

from kinerja import wording
from kinerja.evaluation import Evaluation
from kinerja.report.parts.ratings import information
from kinerja.results import OK, Finding
from kinerja.show.blocks import Block, bullets, facts, findings, heading, prose

LINKS = {
    "overview_attainment": "attainment",
    "overview_index": "citizens",
    "overview_lowest_unit": "citizens",
    "overview_entropy": "ratings",
    "overview_predikat": "ratings",
    "overview_spread": "raters",
    "calibration_refused": "calibration",
    "calibration_made": "calibration",
    "calibration_gain": "calibration",
    "calibration_no_gain": "calibration",
    "calibration_crossings": "calibration",
    "fairness_verdicts": "fairness",
}
"""Each headline's section; those of other modules stand in `_SECTIONS`."""


def overview(evaluation: Evaluation, language: wording.Language) -> Iterator[Block]:
    office, period = evaluation.parameters.office.name, evaluation.parameters.period.id
    yield prose("overview.lead", language=language, lead=True, office=office, period=period)
    yield facts(_figures(evaluation, language))
    yield heading("overview.findings", language, level=3, anchor="findings")
    yield findings(headlines(evaluation), language, links=LINKS)
    yield heading("overview.not_title", language, level=3, anchor="not")
    yield bullets(["overview.not_person", "overview.not_rater", "overview.not_unit"], language)


def _figures(evaluation: Evaluation, language: wording.Language) -> list[tuple[str, str]]:
    """How much the period holds."""
    period, inputs = evaluation.parameters.period.id, evaluation.inputs
    ratings = inputs.ratings[inputs.ratings["period"] == period]
    counts = {
        "ratees": len(evaluation.scores.ratees) if evaluation.scores else 0,
        "raters": ratings["rater"].nunique(),
        "ratings": len(ratings),
        "indicators": len(evaluation.scores.attainment) if evaluation.scores else 0,
        "responses": int((inputs.responses["period"] == period).sum()),
    }
    shown = {key: int(count) for key, count in counts.items() if count}
    return [(wording.text(f"overview.{key}", language), wording.number(n, None, language)) for key, n in shown.items()]


def headlines(evaluation: Evaluation) -> list[Finding]:
    """What a head of office must know in two minutes: whatever stops the reading first, then one sentence a theme."""
    stops = [finding for finding in evaluation.findings if finding.level == "stop"]
    themes = (_attainment, _citizens, _predikat, _information, _calibrated, _fairness)
    return [*stops, *(finding for theme in themes for finding in theme(evaluation))]


def _headline(code: str, **data: object) -> Finding:
    return Finding(level="note", code=f"overview_{code}", data=data)


def _attainment(evaluation: Evaluation) -> Iterator[Finding]:
    scores = evaluation.scores
    if scores is not None and scores.ratees["attainment"].notna().any():
        known = scores.ratees["attainment"].dropna()
        yield _headline("attainment", mean=float(known.mean()), n=len(known), total=len(scores.ratees))


def _predikat(evaluation: Evaluation) -> Iterator[Finding]:
    scores = evaluation.scores
    if scores is None or scores.distribution.empty or not scores.distribution["n"].sum():
        return
    counted = scores.distribution.sort_values("n", kind="stable").iloc[-1]
    total = int(scores.distribution["n"].sum())
    yield _headline(
        "predikat", share=counted["n"] / total, predikat=str(counted["category"]), n=int(counted["n"]), total=total
    )


def _information(evaluation: Evaluation) -> Iterator[Finding]:
    known = None if evaluation.rater_use is None else information(evaluation.rater_use)
    if known is None or evaluation.rater_use is None or not known["maximum"] > 0:
        return
    most = evaluation.rater_use.distribution.sort_values("n", kind="stable").iloc[-1]
    yield _headline(
        "entropy",
        used=float(known["estimate"]) / float(known["maximum"]),
        share=float(most["share"]),
        top=f"{most['category']:g}",
    )


def _calibrated(evaluation: Evaluation) -> Iterator[Finding]:
    """What calibration did and what it gains; without it, how far the raters' means lie apart."""
    if evaluation.calibration is not None:
        wanted = (
            "calibration_refused",
            "calibration_made",
            "calibration_gain",
            "calibration_no_gain",
            "calibration_crossings",
        )
        yield from (finding for finding in evaluation.calibration.findings if finding.code in wanted)
    elif evaluation.rater_use is not None:
        means = evaluation.rater_use.raters["rater_mean"].dropna()
        if len(means) > 1:
            low, high = float(means.min()), float(means.max())
            yield _headline("spread", range=high - low, low=low, high=high)


def _fairness(evaluation: Evaluation) -> Iterator[Finding]:
    if evaluation.fairness is not None:
        yield from (finding for finding in evaluation.fairness.findings if finding.code == "fairness_verdicts")


def _citizens(evaluation: Evaluation) -> Iterator[Finding]:
    feedback = evaluation.citizens
    if feedback is None:
        return
    known = feedback.index[feedback.index["status"] == OK]
    office, units = known[known["level"] == "office"], known[(known["level"] == "unit") & known["n"].notna()]
    if len(office) and math.isfinite(office.iloc[0]["conf_low"]):
        row = office.iloc[0]
        limits = {"low": float(row["conf_low"]), "high": float(row["conf_high"]),
                  "confidence": feedback.settings["confidence"]}  # fmt: skip
        yield _headline("index", index=float(row["estimate"]), grade=str(row["grade"]), n=int(row["n"]), **limits)
    if len(units) > 1:
        row = units.sort_values(["estimate", "unit"]).iloc[0]
        yield _headline(
            "lowest_unit", unit=str(row["unit"]), index=float(row["estimate"]), grade=str(row["grade"]), n=int(row["n"])
        )

"""The data-protection impact assessment (UU 27/2022 article 34), filled from a run as far as the run knows.

What the software knows - whose data, how many, from which files, which safeguards were on - is filled in; purpose,
lawful basis, retention and signatures are the office's to write, and stand as open fields. The articles are retold
from secondary sources (`dpia_articles.csv` says which): an office's lawyer reads the law itself.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from functools import cache
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from kinerja import wording
from kinerja.evaluation import Evaluation
from kinerja.inputs.names import known_of
from kinerja.report.files import staged, write_text
from kinerja.report.html import page
from kinerja.show.blocks import Block, bullets, facts, heading, prose
from kinerja.show.tables import Table, code, number, table, words

if TYPE_CHECKING:
    from kinerja.parameters import Parameters

FOLDER, FILE = "dpia", "dpia.html"

OPEN_FIELDS = ("owner", "officer", "basis", "retention", "recipients", "consulted", "residual", "decision")
"""What only the office can say."""


def write_dpia(evaluation: Evaluation) -> Path:
    """Write `dpia/dpia.html` below the run's folder.

    Raises
    ------
    DataError : the page would hold personal data
    WriteError : the folder cannot be written
    """
    folder = evaluation.parameters.run_folder / FOLDER
    with staged(folder, known=known_of(evaluation.parameters)) as stage:
        write_text(stage / FILE, dpia_page(evaluation))
    return folder / FILE


def dpia_page(evaluation: Evaluation, language: wording.Language | None = None) -> str:
    """The assessment as one self-contained page, in Indonesian unless the run speaks another language."""
    parameters = evaluation.parameters
    spoken = language or parameters.language
    parts = dpia_blocks(evaluation, spoken)
    body = "".join(block.to_html() if isinstance(block, Table) else block.html for block in parts)
    office, period = parameters.office, parameters.period
    return page(
        f'<section id="dpia">{body}</section>',
        language=spoken,
        title=wording.text("dpia.title", spoken),
        subtitle=wording.text("report.subtitle", spoken, period=period.id, start=period.start, end=period.day),
        kicker=", ".join(filter(None, (office.name, office.place))),
        description=wording.text("dpia.title", spoken),
        footer=[wording.text("dpia.footer", spoken, run=f"{parameters.run} ({evaluation.id})")],
    )


def dpia_blocks(evaluation: Evaluation, language: wording.Language) -> Iterator[Block | Table]:
    """The assessment from why it is needed to who signs."""
    yield prose("dpia.lead", language=language, lead=True)
    yield facts(_figures(evaluation, language))
    yield heading("dpia.why", language)
    yield _triggers(evaluation, language)
    yield heading("dpia.processing", language)
    yield prose("dpia.processing.text", language=language, office=evaluation.parameters.office.name)
    yield _data(evaluation, language)
    yield heading("dpia.risks", language)
    yield _risks(evaluation, language)
    yield heading("dpia.rights", language)
    yield _rights(language)
    yield heading("dpia.open", language)
    yield prose("dpia.open.text", language=language)
    yield _fields(language)
    yield bullets(["dpia.limit_sources", "dpia.limit_regulation", "dpia.limit_lawyer"], language)


def _figures(evaluation: Evaluation, language: wording.Language) -> list[tuple[str, str]]:
    counts = evaluation.inputs.counts
    shown = [(f"overview.{key}", counts[key]) for key in ("ratees", "raters", "responses") if counts[key]]
    return [(wording.text(key, language), wording.number(n, None, language)) for key, n in shown]


def _triggers(evaluation: Evaluation, language: wording.Language) -> Table:
    """The cases of article 34 in which an assessment is required, and what the run says of each."""
    inputs, parameters = evaluation.inputs, evaluation.parameters
    counts, kinds = inputs.counts, inputs.files["kind"].nunique()
    groups = ", ".join(parameters.groups) or wording.MISSING
    answers: list[tuple[str, str, dict[str, Any]]] = [
        ("scoring", "yes", {"n": counts["ratees"], "raters": counts["raters"]}),
        ("automated", "no" if evaluation.moderation is None else "decided", {}),
        ("large", "office", {"n": counts["ratees"], "responses": counts["responses"]}),
        ("matching", "yes" if kinds > 1 else "no", {"n": kinds}),
        ("special", "office", {"groups": groups}),
    ]
    rows = pd.DataFrame(
        {
            "dpia_case": [wording.text(f"dpia.case.{case}", language) for case, _, _ in answers],
            "dpia_answer": [wording.text(f"dpia.answer.{answer}", language) for _, answer, _ in answers],
            "dpia_because": [wording.text(f"dpia.because.{case}", language, **data) for case, _, data in answers],
        }
    )
    return table(
        rows,
        columns=[words("dpia_case"), words("dpia_answer"), words("dpia_because")],
        language=language,
        caption_key="dpia.cases",
        name="dpia_cases",
    )


def _data(evaluation: Evaluation, language: wording.Language) -> Table:
    used = evaluation.inputs.files.groupby("kind", sort=True)[["rows_read", "rows_kept"]].sum().reset_index()
    used = used.assign(dpia_holds=[wording.text(f"dpia.holds.{kind}", language) for kind in used["kind"]])
    return table(
        used,
        columns=[code("kind"), words("dpia_holds"), number("rows_read", 0), number("rows_kept", 0)],
        language=language,
        caption_key="dpia.data",
        name="dpia_data",
    )


def _risks(evaluation: Evaluation, language: wording.Language) -> Table:
    """Each risk, the safeguard of the software, and whether it was on in this run."""
    rows = [
        (
            wording.text(f"dpia.risk.{name}", language),
            wording.text(f"dpia.safeguard.{name}", language, **data),
            wording.text(f"dpia.state.{state}", language),
        )
        for name, state, data in _safeguards(evaluation)
    ]
    return table(
        pd.DataFrame(rows, columns=["dpia_risk", "dpia_safeguard", "dpia_state"]),
        columns=[words("dpia_risk"), words("dpia_safeguard"), words("dpia_state")],
        language=language,
        caption_key="dpia.safeguards",
        name="dpia_risks",
    )


def _safeguards(evaluation: Evaluation) -> list[tuple[str, str, dict[str, Any]]]:
    parameters, findings = evaluation.parameters, {f.code: f.data for f in evaluation.findings}
    privacy, readers = parameters.privacy, ", ".join(parameters.privacy.readers) or wording.MISSING
    checks = 0 if evaluation.fairness is None else len(evaluation.fairness.checks)
    redacted = int(findings.get("comments_redacted", {}).get("count", 0))
    return [
        ("identity", "on" if "ids_replaced" in findings else "ids", {}),
        ("names", "off" if privacy.keep_names else "on", {}),
        ("leak", "on", {}),
        ("small", "on", {"minimum": privacy.minimum_cell}),
        ("difference", "on" if privacy.previous_run is not None else "unset", {}),
        ("comments", "on", {"n": redacted}),
        ("readers", "on" if privacy.readers else "unset", {"readers": readers}),
        ("severity", "on" if evaluation.calibration is not None else "off", {}),
        ("unfair", "on" if checks else "unset", {"n": checks}),
        ("sole", "on", {"days": _days(parameters)}),
    ]


def _days(parameters: Parameters) -> int:
    from kinerja.rules import load_rules

    return parameters.objection.days or int(load_rules(on=parameters.period.day).values("objection")["days"])


def _rights(language: wording.Language) -> Table:
    rows = [
        {
            "article": row["article"],
            "dpia_right": wording.text(f"dpia.article.{row['article']}", language),
            "dpia_source": row["source"],
            "rule_status": row["status"],
        }
        for row in articles()
    ]
    return table(
        pd.DataFrame(rows),
        columns=[words("article"), words("dpia_right"), words("dpia_source"), code("rule_status")],
        language=language,
        caption_key="dpia.articles",
        name="dpia_articles",
    )


@cache
def articles() -> tuple[dict[str, str], ...]:
    """article, source, status of every article that the assessment retells."""
    path = Path(str(files("kinerja.report") / "dpia_articles.csv"))
    return tuple(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def _fields(language: wording.Language) -> Block:
    """Open fields, to be written into by hand or in a word processor."""
    named = [wording.text(f"dpia.field.{name}", language) for name in OPEN_FIELDS]
    empty = wording.text("dpia.field.empty", language)
    html = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(empty)}</dd></div>" for name in named)
    return Block(html=f"<dl>{html}</dl>", plain="\n".join(f"{name}: {empty}" for name in named))

"""Two runs reviewed: what differs, how much of it each cause brings, whom it moves.

Causes are put in one after the other (the program, then the data, then the settings), and the period is evaluated anew
after each: what changes at that step is that cause's. The order matters where causes act on the same score; it is
printed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from kinerja import wording
from kinerja.errors import ParameterError
from kinerja.evaluation import FOLDER, Evaluation, evaluate, identify, load_evaluation, open_run
from kinerja.evaluation.comparison import Comparison, compare
from kinerja.parameters import Parameters
from kinerja.people.appeal import apply_changes, read_correction
from kinerja.report.parts.comparison import comparison_tables
from kinerja.results.shown import Shown
from kinerja.show.blocks import Block, facts, heading, prose
from kinerja.show.section import Section
from kinerja.show.tables import Table, code, number, table

if TYPE_CHECKING:
    from kinerja.show.charts import Chart

PARTS = ("review", "causes", "people", "values")
PROGRAM = ("rules", "kinerja", "numpy", "pandas", "scipy", "statsmodels", "code")
SETTINGS = ("parameters", "prior", "decisions")
EXAMPLE_MATERIALITY = 2.0
"""Points; the example's second run sets it in place of 1: a changed setting beside changed data."""
LISTED = ("inputs.", "scores.", "feedback.index")
"""Tables whose values are listed one by one."""
CLOSE = 1e-9
"""Points under which two figures count as the same."""


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Review(Shown):
    """Run A and run B.

    comparison : everything that differs
    steps : cause, n (people whose points, calibrated score or predikat change at this step), largest and mean_change
        (points, absolute, of those), predikat_changes; empty where the periods differ or the inputs are not at hand
    """

    a: Evaluation
    b: Evaluation
    comparison: Comparison
    steps: pd.DataFrame


def open_review(
    run_a: str | Path = "",
    run_b: str | Path = "",
    *,
    parameters_file: str | Path = "",
    correction: str | Path = "",
    base: str | Path = "",
    language: str | None = None,
) -> Review:
    """Two runs, explained cause by cause.

    run_a, run_b : folders of runs; where both are empty, two runs of `parameters_file` are made: as it is, and with
        `correction` (an appeal's file) and another materiality
    base : the folder from which the runs' input files count; "" looks above the run's folder

    Raises
    ------
    ParameterError : only one run is named, or neither runs nor a parameters file
    """
    if bool(run_a) != bool(run_b) or not (run_a or parameters_file):
        found = f"{str(run_a)!r}, {str(run_b)!r}"
        raise wording.refusal(ParameterError, "review_two_runs", where="run_a, run_b", found=found)
    if run_a:
        a, b = (_kept(Path(run), base) for run in (run_a, run_b))
    else:
        a, b = _example(open_run(parameters_file, base=base, language=language), Path(correction))
    return Review(a=a, b=b, comparison=compare(a, b, tolerance=CLOSE), steps=_steps(a, b))


def review(part: str, found: Review, language: wording.Language = "id") -> Section:
    """One part (of PARTS) of the review notebook.

    Raises
    ------
    ParameterError : there is no such part
    """
    if part not in PARTS:
        raise ParameterError(f"review: found {part!r}; one of {', '.join(PARTS)} is allowed.")
    build = {"review": _summary, "causes": _causes, "people": _people, "values": _values}[part]
    title = heading(f"review.{part}.title", language, anchor=f"review-{part}")
    return Section(name=part, language=language, blocks=(title, *build(found, language)))


def _summary(found: Review, language: wording.Language) -> Iterator[Block | Table | Chart]:
    yield prose("review.lead", language=language, lead=True)
    compared = found.comparison
    if compared.same:
        yield prose("review.same", language=language, n=int(compared.tables["cells"].sum()))
        return
    total = max(len(run.scores.ratees) if run.scores is not None else 0 for run in (found.a, found.b))
    largest = compared.persons["change"].abs().max()
    pairs = {
        "a": f"{found.a.parameters.period.id} · {found.a.id}",
        "b": f"{found.b.parameters.period.id} · {found.b.id}",
        "people": f"{wording.number(len(compared.persons), 0, language)} / {wording.number(total, 0, language)}",
        "largest": wording.number(None if pd.isna(largest) else float(largest), 1, language),
        "predikat": wording.number(_moved_predikat(compared), 0, language),
    }
    yield facts([(wording.text(f"review.fact_{key}", language), value) for key, value in pairs.items()])
    yield prose(
        "review.findings", language=language, gone=len(_only(found.a, found.b)), new=len(_only(found.b, found.a))
    )


def _causes(found: Review, language: wording.Language) -> Iterator[Block | Table | Chart]:
    if found.steps.empty:
        other = found.a.parameters.period.id != found.b.parameters.period.id
        yield prose("review.other_period" if other else "review.no_steps", language=language)
    else:
        yield prose("review.steps_text", language=language)
        yield table(
            found.steps,
            columns=[
                code("cause"),
                number("n", 0, label=wording.text("review.people_changed", language)),
                number("mean_change", 2),
                number("largest", 2),
                number("predikat_changes", 0),
            ],
            language=language,
            caption_key="review.steps",
            note_key="review.steps_note",
            name="review_steps",
        )
    wanted = ("comparison_causes", "comparison_parameters", "comparison_files")
    yield from (shown for shown in comparison_tables(found.comparison, language) if shown.name in wanted)


def _people(found: Review, language: wording.Language) -> Iterator[Block | Table | Chart]:
    shown = [t for t in comparison_tables(found.comparison, language) if t.name == "comparison_persons"]
    if not shown:
        yield prose("review.nobody", language=language)
    yield from shown


def _values(found: Review, language: wording.Language) -> Iterator[Block | Table | Chart]:
    wanted = ("comparison_tables", "comparison_changes")
    # Single values of data and scores; a model's many inner figures are counted by table, not listed.
    changes = found.comparison.changes
    listed = replace(found.comparison, changes=changes[changes["table"].str.startswith(LISTED)])
    shown = [t for t in comparison_tables(listed, language) if t.name in wanted]
    yield prose("review.values_text" if shown else "review.same_values", language=language)
    yield from shown


def _steps(a: Evaluation, b: Evaluation) -> pd.DataFrame:
    """A becomes B, one cause at a time."""
    if a.parameters.period != b.parameters.period or not (_at_hand(a.parameters) and _at_hand(b.parameters)):
        return pd.DataFrame()
    now = identify(b.parameters)
    current, rows = a, []
    if any(a.identity.get(part) != now.get(part) for part in PROGRAM):
        again = evaluate(a.parameters, inputs=a.inputs)
        rows.append(_step("program", current, again))
        current = again
    if a.identity["inputs"] != b.identity["inputs"]:
        again = evaluate(a.parameters, inputs=b.inputs)
        rows.append(_step("inputs", current, again))
        current = again
    if any(a.identity.get(part) != b.identity.get(part) for part in SETTINGS):
        again = evaluate(b.parameters, inputs=b.inputs)
        rows.append(_step("settings", current, again))
        current = again
    rest = _step("rest", current, b)
    return pd.DataFrame([*rows, *([rest] if rest["n"] else []), _step("together", a, b)])


def _step(cause: str, before: Evaluation, after: Evaluation) -> dict[str, object]:
    compared = compare(before, after, tolerance=CLOSE)
    size = compared.persons["change"].abs()
    return {
        "cause": cause,
        "n": len(size),
        "mean_change": float(size.mean()) if len(size) else 0.0,
        "largest": float(size.max()) if len(size) else 0.0,
        "predikat_changes": _moved_predikat(compared),
    }


def _moved_predikat(compared: Comparison) -> int:
    people = compared.persons
    return int((people["predikat_a"].fillna("") != people["predikat_b"].fillna("")).sum())


def _only(first: Evaluation, second: Evaluation) -> set[str]:
    """Codes of findings that the first run has and the second does not."""
    return {f.code for f in first.findings} - {f.code for f in second.findings}


def _kept(folder: Path, base: str | Path) -> Evaluation:
    """A run's evaluation, its paths counted from `base`, else from the first folder above it that has its inputs."""
    kept = load_evaluation(folder / FOLDER)
    places = [Path(base).resolve()] if base else [*folder.resolve().parents]
    home = next((place for place in places if _at_hand(_located(kept.parameters, place))), None)
    return kept if home is None else replace(kept, parameters=_located(kept.parameters, home))


def _located(parameters: Parameters, home: Path) -> Parameters:
    return parameters.model_copy(update={"base": home})


def _at_hand(parameters: Parameters) -> bool:
    located = parameters.located_sources
    every = [source.path for kind in type(located).model_fields for source in getattr(located, kind)]
    return bool(every) and all(path.is_file() for path in every)


def _example(first: Evaluation, correction: Path) -> tuple[Evaluation, Evaluation]:
    """The run, and the run with a correction of the data and another materiality."""
    wanted, digest = read_correction(correction)
    inputs, _ = apply_changes(first.inputs, wanted.changes, name=correction.name)
    settings = first.parameters.calibration.model_copy(update={"materiality": EXAMPLE_MATERIALITY})
    second = evaluate(first.parameters.model_copy(update={"calibration": settings}), inputs=inputs)
    # The files on disk are the same: what makes the data differ is the correction.
    identity = {**second.identity, "inputs": digest, "run": f"{second.id[:6]}+{digest[:5]}"}
    return first, replace(second, identity=identity)

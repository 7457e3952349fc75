"""evaluate(parameters) -> Evaluation: the whole period as one frozen object, computed once, opened by every notebook.

`open_run` loads the saved evaluation when inputs, parameters, rules and code are those it was made from, else it
computes anew: 200 unit reports fit the models once, and a notebook opened by hand sees exactly what the report saw.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from kinerja import __version__, wording
from kinerja.errors import DataError, EstimationError, ParameterError, Problem
from kinerja.evaluation.steps import (
    adjust_service_points,
    attain_targets,
    calibrate_ratings,
    citizens_means,
    compare_groups,
    describe_raters,
    hear_citizens,
    lacks_scale,
    model_raters,
    replay_moderation,
    score_period,
)
from kinerja.evaluation.storage import RECORD, load_record, save_record
from kinerja.inputs import Inputs, read_sources
from kinerja.inputs.formats.sql import database_digest
from kinerja.inputs.names import known_of
from kinerja.parameters import Parameters, load_parameters
from kinerja.privacy import Known, refuse_leaks
from kinerja.results import Finding
from kinerja.results.shown import Shown
from kinerja.rules import load_rules

if TYPE_CHECKING:
    from kinerja.calibration import Calibration
    from kinerja.citizens import Citizens
    from kinerja.fairness import Fairness
    from kinerja.moderation import Moderation
    from kinerja.raters import RaterUse
    from kinerja.raters.rasch import RaterFit
    from kinerja.scoring import Scores

Progress = Callable[[str, float], None]

FOLDER = "evaluation"
"""Where a run keeps its evaluation, below its folder."""

NUMERIC_PACKAGES = ("numpy", "pandas", "scipy", "statsmodels")
"""Those whose version can change a figure."""


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Evaluation(Shown):
    """One period of one office.

    Fields
    ------
    parameters : as resolved
    identity : what the results were made from: run id, versions, SHA-256 of parameters, inputs, rules and code
    inputs : canonical frames, what was left out, files
    rules : the annex: every rule with reference, status, days in force
    scores, citizens, rater_use, rater_fit, calibration, fairness : results of the steps; None without data for it
    moderation : what people decided on the run; None where the parameters name no log
    calibration_own : the calibration without borrowed variance parameters; None where none were borrowed
    previous : ratee, unit of the people in the run published before (`privacy.previous_run`); None without one
    findings : of all steps, in the order of the report
    """

    parameters: Parameters
    identity: Mapping[str, str]
    inputs: Inputs
    rules: pd.DataFrame
    scores: Scores | None
    citizens: Citizens | None
    rater_use: RaterUse | None
    rater_fit: RaterFit | None
    calibration: Calibration | None
    calibration_own: Calibration | None
    fairness: Fairness | None
    moderation: Moderation | None
    previous: pd.DataFrame | None
    findings: tuple[Finding, ...]

    @property
    def id(self) -> str:
        """The run id: equal for equal inputs, parameters, rules and version."""
        return self.identity["run"]


def evaluate(
    parameters: Parameters,
    *,
    inputs: Inputs | None = None,
    held: Calibration | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Read, score, estimate, calibrate, check: every step of one period.

    inputs : canonical frames in place of the files (an appeal's correction)
    held : a calibration whose variance parameters and evidence are kept as they are

    Raises
    ------
    DataError : the inputs have problems, all of them in `problems`
    RuleError : no rule was in force on the period's day
    EstimationError : the calibration cannot be set up at all
    """
    step = progress or _silent
    inputs = inputs if inputs is not None else read_inputs(parameters, step)
    rules = load_rules(on=parameters.period.day)
    step("score", 0.2)
    attained = attain_targets(inputs, parameters, rules)
    scores = score_period(inputs, parameters, rules, attained)
    step("feedback", 0.3)
    citizens = hear_citizens(inputs, parameters, rules)
    service = adjust_service_points(inputs, parameters)
    step("raters", 0.4)
    rater_use = describe_raters(inputs, parameters)
    rater_fit, without_fit = _rater_model(inputs, parameters)
    step("calibrate", 0.5)
    borrowed = borrowed_calibration(parameters)
    evidence = (attained, service if service is not None else citizens_means(inputs, citizens))
    calibration = calibrate_ratings(inputs, parameters, rules, *evidence, prior=borrowed, held=held)
    own = None if borrowed is None else calibrate_ratings(inputs, parameters, rules, *evidence)
    step("bias", 0.6)
    fairness = compare_groups(inputs, parameters, rules, scores, service, calibration, rater_fit)
    moderation = replay_moderation(inputs, parameters, rules, scores, calibration)
    results = (inputs, scores, citizens, rater_use, rater_fit, calibration, fairness, moderation)
    return Evaluation(
        parameters=parameters,
        identity=identify(parameters),
        inputs=inputs,
        rules=rules.annex(),
        scores=scores,
        citizens=citizens,
        rater_use=rater_use,
        rater_fit=rater_fit,
        calibration=calibration,
        calibration_own=own,
        fairness=fairness,
        moderation=moderation,
        previous=_previous_people(parameters),
        findings=(
            *(finding for result in results if result is not None for finding in result.findings),
            *without_fit,
        ),
    )


def _rater_model(inputs: Inputs, parameters: Parameters) -> tuple[RaterFit | None, tuple[Finding, ...]]:
    """The rater model, or the finding that these ratings do not allow one: the rest of the report stands without it."""
    try:
        return model_raters(inputs, parameters), ()
    except EstimationError:
        return None, (Finding(level="caution", code="no_rater_model", data={"period": parameters.period.id}),)


def read_inputs(parameters: Parameters, progress: Progress | None = None) -> Inputs:
    """The run's files as canonical frames.

    Raises
    ------
    DataError : every problem of every file; or ratings on a scale that nothing states
    """
    (progress or _silent)("read", 0.0)
    inputs = read_sources(
        parameters.located_sources,
        period=parameters.period,
        privacy=parameters.located_privacy,
        groups=parameters.groups,
        attributes=parameters.feedback.attributes,
        scale=parameters.scoring.scale,
    )
    if lacks_scale(inputs, parameters):
        ratings = inputs.ratings["rating"]
        problem = Problem(
            where=parameters.file.name if parameters.file else "parameters",
            column="scoring.scale",
            found=f"{ratings.min():g} … {ratings.max():g}",
            code="scale_needed",
            data={"lowest": float(ratings.min()), "highest": float(ratings.max())},
        )
        raise DataError(wording.problem_message([problem]), [problem])
    return inputs


def open_run(
    parameters: Parameters | str | Path,
    *,
    language: str | None = None,
    base: str | Path | None = None,
    run_folder: str | Path | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """The evaluation of a parameters file: loaded when nothing that decides it has changed, else computed and saved.

    parameters : as loaded, or their file. A path that begins with `parameters/` is looked for in the working folder,
        in the folder above it, and among the examples that come with kinerja; any other path is what it says
    language : another language than the parameters' own; the figures do not depend on it
    base : another folder for the sources' paths to be counted from; None or "" is that of the parameters file
    run_folder : a run's folder, whose evaluation is opened as it is (as in a report); None or "" opens the
        one in the parameters' output folder, if it is still current
    """
    if run_folder:
        kept = _HELD.get(Path(run_folder).resolve()) or load_evaluation(Path(run_folder) / FOLDER)
        return _in_language(kept, language)
    if not isinstance(parameters, Parameters):
        parameters = load_parameters(parameters, base=Path(base) if base else None)
    folder = parameters.run_folder / FOLDER
    saved = _saved(folder, identify(parameters))
    if saved is None:
        save_evaluation(evaluate(parameters, progress=progress), folder)
        # What was saved, not what was computed: column types are then the same for the first reader and all later ones.
        saved = load_evaluation(folder)
    # The saved parameters do not know where their file was; the ones just read do.
    return _in_language(replace(saved, parameters=parameters), language)


_HELD: dict[Path, Evaluation] = {}


@contextmanager
def held(run_folder: Path) -> Iterator[None]:
    """Keep a run's evaluation in memory: `open_run(run_folder=...)`, here and in forks, does not read it again."""
    place = run_folder.resolve()
    _HELD[place] = load_evaluation(run_folder / FOLDER)
    try:
        yield
    finally:
        del _HELD[place]


def save_evaluation(evaluation: Evaluation, folder: Path) -> None:
    """Write the evaluation to `folder`; an earlier one is replaced only when the new one is complete.

    Raises
    ------
    DataError : it holds a NIP, NIK, telephone number or a name that the parameters do not ask to keep
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".evaluation-", dir=folder.parent) as temporary:
        written = Path(temporary) / FOLDER
        save_record(evaluation, written)
        (written / IDENTITY).write_text(json.dumps(dict(evaluation.identity)), encoding="utf-8")
        (written / CHECKSUMS).write_text(json.dumps(checksums(written), indent=1), encoding="utf-8")
        refuse_leaks(written, _known(evaluation.parameters))
        # The earlier one goes when the new one has its place: whoever is killed in between loses nothing.
        with suppress(FileNotFoundError):
            folder.replace(Path(temporary) / "before")
        written.replace(folder)


def _known(parameters: Parameters) -> Known:
    known = known_of(parameters)
    return replace(known, names=()) if parameters.privacy.keep_names else known


def load_evaluation(folder: Path) -> Evaluation:
    """The evaluation that a run kept.

    Raises
    ------
    DataError : there is none, or an older version wrote it
    """
    if not (folder / RECORD).is_file():
        raise wording.refusal(DataError, "no_run", where=str(folder.parent), record=str((folder / RECORD).resolve()))
    loaded = load_record(folder)
    if not isinstance(loaded, Evaluation):
        where = f"{folder.parent.name}/{folder.name}"
        raise wording.refusal(DataError, "not_an_evaluation", where=where, found=type(loaded).__name__)
    return loaded


IDENTITY, CHECKSUMS = "identity.json", "checksums.json"


def checksums(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of a kept evaluation, so that a later change by hand is seen."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != CHECKSUMS)
    return {path.relative_to(folder).as_posix(): _sha256(path) for path in files}


def identify(parameters: Parameters) -> dict[str, str]:
    """What decides the figures of a run, each as a hash or a version; `run` is the hash of them all but the code's."""
    settings = parameters.model_dump(mode="json", exclude={"language", "output"})
    located = parameters.located_sources
    inputs = [
        [kind, source.path.as_posix(), _sha256(place.path) if place.url is None else database_digest(place)]
        for kind in type(located).model_fields
        for source, place in zip(getattr(parameters.sources, kind), getattr(located, kind), strict=True)
    ]
    parts = {
        "kinerja": __version__,
        **{name: version(name) for name in NUMERIC_PACKAGES},
        "parameters": _digest(settings),
        "inputs": _digest(inputs),
        "rules": _tree("rules", "*.yaml"),
        "prior": _kept_identity(parameters, parameters.calibration.prior_from),
        "decisions": _decisions(parameters),
    }
    if parameters.privacy.previous_run is not None:
        parts["previous"] = _kept_identity(parameters, parameters.privacy.previous_run)
    return {
        "run": _digest(parts)[:12],
        **parts,
        "code": _tree(".", "*.py"),
        "parameters_file": parameters.file_name,
    }


def borrowed_calibration(parameters: Parameters) -> Calibration | None:
    """The calibration of the run whose variance parameters are borrowed (`calibration.prior_from`).

    Raises
    ------
    DataError : that run has no calibration
    """
    source = parameters.calibration.prior_from
    if source is None:
        return None
    calibration = load_evaluation(parameters.located(source) / FOLDER).calibration
    if calibration is None:
        raise _unusable_run(parameters, "calibration.prior_from", source, "prior_without_calibration")
    return calibration


def _previous_people(parameters: Parameters) -> pd.DataFrame | None:
    """Who was in the run published before.

    Raises
    ------
    DataError : that run has no scores of people
    """
    source = parameters.privacy.previous_run
    if source is None:
        return None
    scores = load_evaluation(parameters.located(source) / FOLDER).scores
    if scores is None:
        raise _unusable_run(parameters, "privacy.previous_run", source, "previous_without_scores")
    return scores.ratees[["ratee", "unit"]].reset_index(drop=True)


def _unusable_run(parameters: Parameters, key: str, source: Path, code: str) -> DataError:
    where = parameters.file.name if parameters.file else "parameters"
    return wording.refusal(DataError, code, where=where, column=key, found=source.as_posix())


def _saved(folder: Path, identity: Mapping[str, str]) -> Evaluation | None:
    """The kept evaluation where it was made from exactly this; a damaged or older one counts as none."""
    try:
        if json.loads((folder / IDENTITY).read_text(encoding="utf-8")) != dict(identity):
            return None
        return load_evaluation(folder)
    except (OSError, ValueError, DataError):
        return None


def _in_language(evaluation: Evaluation, language: str | None) -> Evaluation:
    if language is None or language == evaluation.parameters.language:
        return evaluation
    if language not in wording.LANGUAGES:
        allowed = ", ".join(wording.LANGUAGES)
        raise wording.refusal(ParameterError, "not_allowed", where="language", found=repr(language), allowed=allowed)
    return replace(evaluation, parameters=evaluation.parameters.model_copy(update={"language": language}))


def _kept_identity(parameters: Parameters, source: Path | None) -> str:
    """The hash of what another run was made from; "" without one."""
    if source is None:
        return ""
    kept = parameters.located(source) / FOLDER / IDENTITY
    return _sha256(kept) if kept.is_file() else ""


def _decisions(parameters: Parameters) -> str:
    log = parameters.decisions
    return _sha256(parameters.located(log)) if log is not None and parameters.located(log).is_file() else ""


@cache
def _tree(folder: str, pattern: str) -> str:
    """One hash over the package's own files at any depth, each by its place.

    Line ends do not count (git may change them on Windows).
    """
    root = Path(str(files("kinerja"))) / folder
    found = sorted((path.relative_to(root).as_posix(), path) for path in root.rglob(pattern))
    parts = [[name, hashlib.sha256(_unix(path.read_bytes())).hexdigest()] for name, path in found]
    return _digest(parts)


def _unix(content: bytes) -> bytes:
    return content.replace(b"\r\n", b"\n")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _silent(_name: str, _share: float) -> None:
    """No progress shown."""

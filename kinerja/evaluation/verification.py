"""Does a past run reproduce? It is evaluated again from what it recorded, and every file it wrote is looked at."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from kinerja import wording
from kinerja.errors import DataError, ParameterError
from kinerja.evaluation import CHECKSUMS, FOLDER, Evaluation, checksums, evaluate, load_evaluation
from kinerja.evaluation.comparison import Comparison, compare, compare_settings
from kinerja.parameters import Parameters, load_parameters
from kinerja.places import project_of
from kinerja.results.shown import Shown
from kinerja.rules import load_rules

MANIFEST = "manifest.json"


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Verification(Shown):
    """What `verify_run` found.

    Fields
    ------
    comparison : the kept evaluation (a) against the one made again (b), value by value, with the causes
    outputs : file, state (same, changed, missing): every file that the run recorded with its hash
    settings : key, a (recorded by the run), b (in the parameters file now): edits made since; the re-run ignores them
    """

    comparison: Comparison
    outputs: pd.DataFrame
    settings: pd.DataFrame

    @property
    def touched(self) -> tuple[str, ...]:
        """The files that are not as the run left them."""
        return tuple(self.outputs.loc[self.outputs["state"] != "same", "file"])

    @property
    def same(self) -> bool:
        """Whether every value reproduces and every file is as the run left it."""
        return self.comparison.same and not self.touched


def verify_run(folder: Path, *, base: Path | None = None, tolerance: float = 0.0) -> Verification:
    """Evaluate again what the run in `folder` evaluated, from its recorded parameters, and compare.

    base : where the sources' relative paths count from; None looks for the project above the run's folder, then here
    tolerance : numbers closer than this count as the same (for a run made with other package versions)

    Raises
    ------
    DataError : the folder holds no run, the project is not found, or a recorded input is gone
    """
    kept = load_evaluation(folder / FOLDER)
    home = _home(folder, kept, base)
    file = home / kept.identity.get("parameters_file", "")
    recorded = kept.parameters.model_copy(
        update={"base": home, "data": base.resolve() if base else None, "file": file if file.is_file() else None}
    )
    return Verification(
        comparison=compare(kept, evaluate(recorded), tolerance=tolerance),
        outputs=_outputs(folder),
        settings=_edits(kept, file),
    )


def _home(folder: Path, kept: Evaluation, base: Path | None) -> Path:
    """The folder from which the recorded paths count: that of the parameters file, or one that holds all sources."""
    name = kept.identity.get("parameters_file", "")
    places = [base.resolve()] if base else [*folder.resolve().parents, Path.cwd()]
    for place in places:
        if name and (place / name).is_file():
            return project_of(place / name)
    for place in places:
        if _holds_sources(kept.parameters, place, base):
            return place
    raise wording.refusal(DataError, "no_project", where=folder.name, name=name)


def _holds_sources(parameters: Parameters, place: Path, data: Path | None) -> bool:
    located = parameters.model_copy(update={"base": place, "data": data}).located_sources
    every = [source for kind in type(located).model_fields for source in getattr(located, kind)]
    return bool(every) and all(source.url is not None or source.path.is_file() for source in every)


def _outputs(folder: Path) -> pd.DataFrame:
    """Every file of the run's manifest, and of its kept evaluation, against its recorded hash."""
    recorded = dict(_recorded(folder))
    kept = folder / FOLDER / CHECKSUMS
    if kept.is_file():
        now = checksums(folder / FOLDER)
        before = json.loads(kept.read_text(encoding="utf-8"))
        recorded |= {f"{FOLDER}/{name}": digest for name, digest in before.items()}
        recorded |= {f"{FOLDER}/{name}": "" for name in now.keys() - before.keys()}
    rows = [(name, _state(folder / name, digest)) for name, digest in sorted(recorded.items())]
    return pd.DataFrame(rows, columns=["file", "state"])


def _recorded(folder: Path) -> list[tuple[str, str]]:
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return [(out["path"], out["sha256"]) for out in manifest["outputs"]]
    except FileNotFoundError:
        return []
    except (ValueError, KeyError, TypeError) as error:
        where = f"{folder.name}/{MANIFEST}"
        raise wording.refusal(DataError, "manifest_damaged", where=where, found=type(error).__name__) from error


def _state(path: Path, digest: str) -> str:
    if not path.is_file():
        return "missing"
    return "same" if hashlib.sha256(path.read_bytes()).hexdigest() == digest else "changed"


def _with_rule_in_force(parameters: Parameters) -> Parameters:
    """With the survey's rule written out: a file that names none means the one in force, as 0.1.0 recorded it."""
    if parameters.feedback.rule is not None:
        return parameters
    in_force = load_rules(on=parameters.period.day).topic("skm").id
    return parameters.model_copy(update={"feedback": parameters.feedback.model_copy(update={"rule": in_force})})


def _edits(kept: Evaluation, file: Path) -> pd.DataFrame:
    """Settings in the parameters file that are no longer those of the run."""
    if not file.is_file():
        return compare_settings(kept.parameters, kept.parameters)
    overrides: dict[str, object] = {
        "language": kept.parameters.language,
        "output.folder": kept.parameters.output.folder.as_posix(),
    }
    if kept.parameters.period.as_of is not None:
        overrides["period.as_of"] = kept.parameters.period.as_of
    try:
        now = load_parameters(file, overrides=overrides)
    except ParameterError as error:
        # A file that is no longer valid is an edit too; the run's own record is what is verified.
        said = wording.error_message(error, kept.parameters.language).splitlines()[0]
        return pd.DataFrame([(file.name, "", said)], columns=["key", "a", "b"])
    return compare_settings(_with_rule_in_force(kept.parameters), _with_rule_in_force(now))

"""The door: ids become pseudonyms, comments lose names and numbers, personal data in other columns are refused."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import pandas as pd

from kinerja import privacy
from kinerja.inputs.headers import plain
from kinerja.inputs.problems import Ledger
from kinerja.inputs.rows import PERSONS
from kinerja.inputs.tables import FILE, ROW
from kinerja.parameters import Privacy

_HELPERS = ("name", "supervisor_name", "rater_name", "phone")
_FREE = ("comment", "response")


def protect(
    frames: Mapping[str, pd.DataFrame], settings: Privacy, headers: Mapping[str, Mapping[str, str]], ledger: Ledger
) -> dict[str, pd.DataFrame]:
    """Frames as they may go on: pseudonyms where there is a key; without one, NIP, NIK and names as ids are refused.

    Raises
    ------
    ParameterError : the key cannot be used
    """
    key = privacy.load_key(settings)
    names = names_in(frames)
    out = {}
    for kind, frame in frames.items():
        _check_texts(frame, headers, ledger)
        for column in (c for c in PERSONS if c in frame):
            if key is None:
                _check_ids(frame, column, headers, ledger)
            else:
                frame = frame.assign(**{column: privacy.pseudonymise(frame[column], key)})
        if kind == "responses" and frame["comment"].notna().any():
            clean, changed = privacy.redact_column(frame["comment"], names)
            frame = frame.assign(comment=clean)
            if changed:
                ledger.find("note", "comments_redacted", count=changed)
        out[kind] = frame
    if key is not None:
        ledger.find("note", "ids_replaced")
    return out


def names_in(frames: Mapping[str, pd.DataFrame]) -> tuple[str, ...]:
    """Every full name that the files give, without academic titles."""
    found: set[str] = set()
    for frame in frames.values():
        for column in ("name", "supervisor_name", "rater_name"):
            if column in frame:
                found |= {str(v).partition(",")[0].strip() for v in frame[column].dropna().unique()}
    return tuple(sorted(found))


_DEGREE = re.compile(r"\bS\.? ?(?:Sos|H|E|Kom|IP|Pd|T|STP|AP)\b|\bM\.? ?(?:Si|M|H|Pd|AP)\b|\b(?:Drs|Dra|Ir|Dr)\b\.")


def _check_ids(frame: pd.DataFrame, column: str, headers: Mapping[str, Mapping[str, str]], ledger: Ledger) -> None:
    values = frame[column].dropna().unique()
    numbers = [v for v in values if privacy.is_personal_number(str(v))]
    if numbers:
        _first(frame, column, numbers, "nip_without_key", headers, ledger)
        return
    helper = {"ratee": "name", "rater": "rater_name", "supervisor": "supervisor_name"}[column]
    named = (frame[helper] == frame[column]) if helper in frame else pd.Series(False, index=frame.index)
    titled = [v for v in values if _DEGREE.search(str(v))]
    by_name = [name for name, of in headers.items() if plain(of.get(column, "")).startswith(("nama", "name"))]
    called = frame[FILE].isin(by_name) & frame[column].notna()
    people = list(frame.loc[named | called, column].unique()) or titled
    if people:
        _first(frame, column, people, "name_without_key", headers, ledger)


def _first(
    frame: pd.DataFrame,
    column: str,
    values: list[str],
    code: str,
    headers: Mapping[str, Mapping[str, str]],
    ledger: Ledger,
) -> None:
    for name, rows in frame.loc[frame[column].isin(values)].groupby(FILE):
        title = headers.get(str(name), {}).get(column, column)
        count, row = int(rows[column].nunique()), int(rows[ROW].iloc[0])
        ledger.problem(
            str(name),
            code,
            row=row,
            column=title,
            found=rows[column].iloc[0] if code == "nip_without_key" else "",
            count=count,
            variable=privacy.KEY_VARIABLE,
        )


def _check_texts(frame: pd.DataFrame, headers: Mapping[str, Mapping[str, str]], ledger: Ledger) -> None:
    """No NIP, NIK or telephone number in a unit, a position, a group: a column was taken for another."""
    for column in frame.columns:
        if column.startswith("_") or column in (*PERSONS, *_HELPERS, *_FREE) or frame[column].dtype.kind in "fiMb":
            continue
        held = [v for v in frame[column].dropna().unique() if isinstance(v, str) and privacy.scan_text(v)]
        if not held:
            continue
        for name, rows in frame.loc[frame[column].isin(held)].groupby(FILE):
            title = headers.get(str(name), {}).get(column, column)
            lines, first = np.unique(rows[ROW].to_numpy(), return_index=True)
            ledger.cells(str(name), "personal_number", lines, title, rows[column].to_numpy(dtype=object)[first])

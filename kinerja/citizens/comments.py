"""Free-text comments: what they are about, by keyword rules in comment_themes.csv; quotes after redaction.

Counting only; no model reads them. A comment may touch several elements; its tone is mixed where both lists of words
occur.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import pandas as pd

from kinerja.privacy.scan import redact
from kinerja.results.shown import Shown

THEME_COLUMNS = ("level", "group", "element", "n", "share", "positive", "negative", "mixed", "neutral")
QUOTE_COLUMNS = ("response", "unit", "elements", "tone", "comment", "redacted")
NO_THEME = "other"
_NEGATED = re.compile(r"\b(?:tidak|kurang|belum|bukan|not|never) \w+")
"""A good word after one of these is no praise (`kurang ramah`)."""

_GOOD_NEGATION = re.compile(r"\b(?:tidak|tanpa|no) (?:ada |dipungut )?(?:pungutan|pungli|biaya|masalah|fee)")
"""A negation that is praise (`tidak ada pungutan`)."""

_PLACE = re.compile(r"\bruang tunggu")
"""A room to wait in is a place, not a time."""

_LONG_NUMBER = re.compile(r"\d(?:[ .-]?\d){8,}")
"""Nine digits and more are masked whatever they are: a mistyped NIK is no valid one, yet names a person."""

TONES = ("positive", "negative", "mixed", "neutral")


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Comments(Shown):
    """What the comments of one period are about.

    Fields
    ------
    themes : counts of comments by element (or `other`) and tone for the office and each unit: THEME_COLUMNS; share of
        the group's comments. A comment on two elements counts in both
    quotes : QUOTE_COLUMNS, redacted; no rows unless quoting is allowed
    n, redacted : comments; how many of them held something personal
    """

    themes: pd.DataFrame
    quotes: pd.DataFrame
    n: int
    redacted: int


def summarise_comments(
    responses: pd.DataFrame, *, quote: bool = False, names: Sequence[str] = (), quotes: int = 12
) -> Comments:
    """Count and, where allowed, quote the comments of one period.

    quote : the parameters allow quoting; redaction happens in any case, before anything else looks at the text
    names : people whose names must not appear
    quotes : how many at most, spread over elements and tones, in a fixed order
    """
    rows = _commented(responses)
    once = {text: _LONG_NUMBER.sub("[nomor]", redact(text, names)) for text in rows["comment"].unique()}
    clean = [once[text] for text in rows["comment"]]
    changed = np.array([a != b for a, b in zip(clean, rows["comment"], strict=True)], bool)
    rows["comment"] = clean
    told = {text: themes_of(text) for text in dict.fromkeys(clean)}
    found = [told[text] for text in clean]
    rows["elements"], rows["tone"] = ["+".join(f[0]) for f in found], [f[1] for f in found]
    rows["redacted"] = changed
    return Comments(
        themes=_counts(rows),
        quotes=_chosen(rows, quotes) if quote else pd.DataFrame(columns=list(QUOTE_COLUMNS)),
        n=len(rows),
        redacted=int(changed.sum()),
    )


def themes_of(text: str) -> tuple[tuple[str, ...], str]:
    """Elements that a comment touches (`other` where none) and its tone."""
    elements, tones = _lexicon()
    words = " ".join(text.casefold().split())
    about = tuple(name for name, pattern in elements.items() if pattern.search(_PLACE.sub("ruang", words)))
    good = bool(tones["positive"].search(_NEGATED.sub(" ", words)))
    bad = bool(tones["negative"].search(_GOOD_NEGATION.sub(" ", words)))
    tone = "mixed" if good and bad else "positive" if good else "negative" if bad else "neutral"
    return about or (NO_THEME,), tone


@cache
def _lexicon() -> tuple[Mapping[str, re.Pattern[str]], Mapping[str, re.Pattern[str]]]:
    text = (files("kinerja.citizens") / "comment_themes.csv").read_text(encoding="utf-8")
    elements: dict[str, re.Pattern[str]] = {}
    tones: dict[str, re.Pattern[str]] = {}
    for row in csv.DictReader(text.splitlines()):
        target = elements if row["element"] else tones
        target[row["element"] or row["tone"]] = _pattern(row["stems"].split("|"), affixes=bool(row["element"]))
    return elements, tones


def _pattern(stems: Sequence[str], *, affixes: bool) -> re.Pattern[str]:
    """Words that begin with a stem; a stem of two or three letters must be the whole word.

    affixes : Indonesian prefixes are allowed. What a comment is about survives them (`pengaduan`), its tone does not:
        `penjelasan` praises nobody, `perbaikan` is asked for where something is not good.
    """
    prefix = "(?:me|mem|men|meng|di|ter|ber|per|pe|pem|pen|peng|ke)?" if affixes else ""
    whole = [re.escape(s) for s in stems if len(s) < 4]
    begins = [re.escape(s) for s in stems if len(s) >= 4]
    parts = [rf"\b(?:{'|'.join(whole)})(?:nya)?\b"] if whole else []
    parts += [rf"\b{prefix}(?:{'|'.join(begins)})"] if begins else []
    return re.compile("|".join(parts))


def _commented(responses: pd.DataFrame) -> pd.DataFrame:
    if "comment" not in responses:
        return pd.DataFrame({name: pd.Series(dtype=object) for name in ("response", "unit", "comment")})
    text = responses["comment"].astype(object)
    kept = text.notna() & (text.astype(str).str.strip() != "")
    rows = pd.DataFrame({"comment": text[kept].astype(str)})
    for name in ("response", "unit"):
        column = responses.loc[kept, name] if name in responses else pd.Series("", index=rows.index)
        rows[name] = column.astype(object).where(column.notna(), "")
    return rows.sort_values(["response", "unit", "comment"], ignore_index=True)


def _counts(rows: pd.DataFrame) -> pd.DataFrame:
    if rows.empty:
        return pd.DataFrame(columns=list(THEME_COLUMNS))
    each = rows.assign(element=rows["elements"].str.split("+")).explode("element")
    office = each.assign(level="office", group="")
    units = each[each["unit"] != ""].assign(level="unit", group=each["unit"])
    both = pd.concat([office, units], ignore_index=True)
    table = both.groupby(["level", "group", "element", "tone"], sort=True).size().unstack("tone", fill_value=0)
    table = table.reindex(columns=list(TONES), fill_value=0).reset_index().rename_axis(columns=None)
    table["n"] = table[list(TONES)].sum(axis=1)
    totals = {("office", ""): len(rows)} | {("unit", u): int(n) for u, n in rows["unit"].value_counts().items()}
    table["share"] = [n / totals[lv, g] for n, lv, g in zip(table["n"], table["level"], table["group"], strict=True)]
    return table.sort_values(
        ["level", "group", "n", "element"], ascending=[True, True, False, True], ignore_index=True
    )[list(THEME_COLUMNS)]


def _chosen(rows: pd.DataFrame, most: int) -> pd.DataFrame:
    """One comment of each kind (elements and tone) in turn, the shorter before the longer."""
    order = rows.assign(length=rows["comment"].str.len()).sort_values(["length", "comment", "response"])
    order = order.drop_duplicates("comment")
    turn = order.groupby(["elements", "tone"], sort=True).cumcount()
    return (
        order.assign(turn=turn)
        .sort_values(["turn", "elements", "tone"], kind="stable", ignore_index=True)[list(QUOTE_COLUMNS)]
        .head(most)
    )

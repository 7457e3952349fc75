"""Fairness, signs to look at in the raters' use of the scale: what each measures and what it does not mean."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kinerja import wording
from kinerja.fairness import Fairness
from kinerja.fairness.screens import SCREENS
from kinerja.results import OK
from kinerja.show.blocks import Block, heading, prose
from kinerja.show.rows import yes_no
from kinerja.show.tables import Table, code, interval, number, table, words

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 15


def screens(checks: Fairness, language: wording.Language) -> Iterator[Block | Table]:
    if checks.screens.empty:
        return
    yield heading("fairness.screens", language, level=3, anchor="screens")
    yield prose("fairness.screens_plain", language=language)
    yield _meaning(checks.screens, language)
    known = checks.screens[checks.screens["status"] == OK]
    if known.empty:
        yield prose("fairness.screens_empty", language=language, minimum=int(checks.settings["minimum"]))
        return
    if not known["review"].any():
        yield prose("fairness.screens_none", language=language)
    order = known.sort_values(["review", "screen", "rater"], ascending=[False, True, True], ignore_index=True)
    yield table(
        yes_no(order, "review"),
        columns=[
            code("screen"),
            words("rater"),
            code("role"),
            number("n", 0),
            number("estimate", 2),
            interval(checks.settings["confidence"], digits=2),
            number("p_adjusted", 3),
            code("review"),
        ],
        language=language,
        caption_key="fairness.screens_table",
        name="rater_screens",
        limit=SHOWN,
    )


def _meaning(found: pd.DataFrame, language: wording.Language) -> Table:
    """One row a screen: what it measures, how many raters it could look at and flags, what a flag does not mean."""
    import pandas as pd

    rows = pd.DataFrame(
        {
            "screen": name,
            "measured": wording.definition(f"screen.{name}", language),
            "looked_at": int((own["status"] == OK).sum()),
            "flagged": int(own["review"].fillna(False).sum()),
            "not_meant": wording.text(f"screen.{name}.not", language),
        }
        for name, own in ((s, found[found["screen"] == s]) for s in SCREENS)
    )
    return table(
        rows,
        columns=[
            code("screen"),
            words("measured", label=wording.text("fairness.measured", language)),
            number("looked_at", 0, label=wording.text("fairness.looked_at", language)),
            number("flagged", 0, label=wording.text("fairness.flagged", language)),
            words("not_meant", label=wording.text("fairness.not_meant", language)),
        ],
        language=language,
        caption_key="fairness.screens_meaning",
        note_key="fairness.screens_meaning_note",
        name="rater_screens_meaning",
    )

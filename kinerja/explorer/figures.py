"""A view in words, as a table and as charts: the package's own tables and plots, in one language."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pandas as pd

from kinerja import wording
from kinerja.explorer.view import View
from kinerja.show.charts import Chart, calibration_chart, dot_interval_chart, trend_chart
from kinerja.show.tables import Column, Table, code, interval, number, table


def view_sentences(view: View, language: wording.Language, *, minimum: int) -> Iterator[str]:
    """How many stand behind the view, and what it withholds; n always comes first."""
    if not math.isfinite(view.n):
        yield wording.text("explorer.n.withheld", language, minimum=minimum)
    elif view.n == 0:
        yield wording.text("explorer.n.none", language)
    else:
        yield wording.text(f"explorer.n.{view.counted}", language, n=int(view.n))
    if view.access:
        yield wording.text("explorer.restricted", language, access=view.access)
    elif view.withheld:
        yield wording.text("explorer.withheld", language, k=view.withheld, minimum=minimum)


def view_table(view: View, language: wording.Language, *, confidence: float) -> Table:
    """The view's frame with intervals of this level; the whole selection last."""
    beside = [number("observed", 1)] if "observed" in view.frame else []
    columns: list[str | Column] = [
        code(view.by, label=_header(view.by, language)),
        number("n", 0),
        *beside,
        number("estimate", 1, label=_figure(view, language)),
        interval(confidence),
    ]
    return table(
        _named(view, language),
        columns=columns,
        language=language,
        caption_key=f"explorer.table.{view.subject}",
        values={"period": _periods(view)},
        name="explorer",
        limit=None,
    )


def view_charts(view: View, language: wording.Language, *, confidence: float) -> Iterator[Chart]:
    """Every row with its interval; then the selection over the periods, or before and after the calibration."""
    axis = wording.text(f"explorer.axis.{view.subject}", language)
    rows = _named(view, language)
    if view.by != "period" and len(rows):
        common = {"label": view.by, "axis": axis, "language": language, "name": "explorer_chart",
                  "confidence": confidence}  # fmt: skip
        words = {"caption_key": f"explorer.table.{view.subject}", "values": {"period": _periods(view)}}
        if view.subject == "calibrated":
            shown = rows[rows["observed"].notna()]
            yield calibration_chart(shown, calibrated="estimate", limit=None, **common, **words)
        else:
            yield dot_interval_chart(rows, **common, **words)
    if view.trend["estimate"].notna().sum() > 1:
        yield trend_chart(
            view.trend.assign(series=wording.text("explorer.whole", language)),
            series="series",
            confidence=confidence,
            axis=axis,
            include=view.frame["estimate"].dropna().tolist(),  # so that a change is as tall as the rows' differences
            language=language,
            caption_key="explorer.trend",
            name="explorer_trend",
        )


def _named(view: View, language: wording.Language) -> pd.DataFrame:
    whole = wording.text("explorer.whole", language)
    return view.frame.assign(**{view.by: view.frame[view.by].astype(object).where(view.frame[view.by].notna(), whole)})


def _header(by: str, language: wording.Language) -> str:
    return wording.label(by if wording.has_label(by) else f"attribute.{by}", language)


def _figure(view: View, language: wording.Language) -> str:
    return wording.label("calibrated", language) if view.subject == "calibrated" else wording.label("mean", language)


def _periods(view: View) -> str:
    if view.by != "period" or view.frame.empty:
        return str(view.chosen["period"])
    return f"{view.frame['period'].iloc[0]}–{view.frame['period'].iloc[-1]}"

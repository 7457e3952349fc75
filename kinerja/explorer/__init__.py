"""The explorer: choose, and see a table and plots of the run with n; for analysts, in JupyterLab and Voila."""

from __future__ import annotations

from functools import cache
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kinerja import wording
from kinerja.errors import KinerjaError
from kinerja.evaluation import Evaluation, open_run
from kinerja.explorer.access import Access, open_restricted
from kinerja.explorer.figures import view_charts, view_sentences, view_table
from kinerja.explorer.view import SUBJECTS, choices, rows_of_subject, view
from kinerja.report.manifest import ACCESS_RECORD
from kinerja.show.tables import word

if TYPE_CHECKING:
    from kinerja.explorer.view import View

_FILTERS = ("period", "unit", "rater", "group", "item")


def explore(run: Evaluation | str | Path, *, language: wording.Language | None = None, base: str | Path = "") -> Any:
    """The explorer as one widget.

    run : an evaluation, or the parameters file whose run is opened; base : as for `open_run`
    language : of every word; None takes the run's

    Each choice redraws the table, the plots, n and the code that makes the view; nothing is written, except the record
    of the restricted mode when somebody opens it.
    """
    evaluation = run if isinstance(run, Evaluation) else open_run(run, base=base or None)
    opening = "" if isinstance(run, Evaluation) else f"evaluation = kj.open_run({str(run)!r}{_base(base)})\n"
    return _Explorer(evaluation, language or evaluation.parameters.language, opening).box


class _Explorer:
    """The controls, and what they redraw."""

    def __init__(self, evaluation: Evaluation, language: wording.Language, opening: str) -> None:
        import ipywidgets as widgets

        self.evaluation, self.language = evaluation, language
        self.opening = f"import kinerja as kj\n\n{opening}"
        self.access: Access | None = None
        self._busy = False
        self.controls = {name: self._dropdown(name) for name in ("subject", "by", *_FILTERS)}
        _offer(self.controls["subject"], [(self._say(f"subject.{name}"), name) for name in SUBJECTS])
        self.n, self.rows, self.plots, self.code = (widgets.HTML() for _ in range(4))
        self._fill()
        for control in self.controls.values():
            control.observe(self._changed, "value")
        title = self._framed(f"<h1>{escape(self._say('title'))}</h1>")
        head = widgets.HTML(f"<style>{_style()}</style>{title}")
        chosen = widgets.Box(list(self.controls.values()), layout=widgets.Layout(flex_flow="row wrap", width="100%"))
        self.rows.layout = widgets.Layout(flex="0 1 auto", max_width="100%", margin="0 2rem 0 0")
        self.plots.layout = widgets.Layout(flex="1 1 20rem", min_width="0", max_width="48rem")
        seen = widgets.Box(
            [self.rows, self.plots],
            layout=widgets.Layout(flex_flow="row wrap", align_items="flex-start", width="100%"),
        )
        self.box = widgets.VBox(
            [head, chosen, self.n, seen, self.code, self._restricted()],
            layout=widgets.Layout(width="100%", overflow="hidden"),
        )
        self._draw()

    def _dropdown(self, name: str) -> Any:
        import ipywidgets as widgets

        layout = widgets.Layout(width="19rem", max_width="98%")
        return widgets.Dropdown(description=self._say(name), layout=layout, style={"description_width": "5rem"})

    def _changed(self, change: Any) -> None:
        if self._busy:
            return
        if change["owner"] in (self.controls["subject"], self.controls["by"]):
            self._fill()
        self._draw()

    def _fill(self) -> None:
        """Offer what the subject and its rows allow; a choice that is still allowed is kept."""
        self._busy = True
        subject = self.controls["subject"].value
        named = [(self._row_name(name), name) for name in rows_of_subject(self.evaluation, subject)]
        _offer(self.controls["by"], named)
        allowed = choices(self.evaluation, subject, self.controls["by"].value)
        everything = (self._say("all"), "")  # not None, which a dropdown takes for "no option at all"
        for name in _FILTERS:
            values = [(self._value_name(name, value), value) for value in allowed[name]]
            if name == "period":
                _offer(self.controls[name], values, self.evaluation.parameters.period.id)
            else:
                _offer(self.controls[name], [everything, *values])
            self.controls[name].disabled = len(allowed[name]) < 2
        self._busy = False

    def _draw(self) -> None:
        language, parameters = self.language, self.evaluation.parameters
        asked = {name: self.controls[name].value or None for name in _FILTERS}
        subject, by = self.controls["subject"].value, self.controls["by"].value
        seen = view(self.evaluation, subject, by=by, access=self.access, **asked)
        first, *more = view_sentences(seen, language, minimum=parameters.privacy.minimum_cell)
        kind = "kj-warn" if seen.access else "kj-small"
        lines = f'<p class="kj-n">{escape(first)}</p>' + "".join(f'<p class="{kind}">{escape(m)}</p>' for m in more)
        self.n.value = self._framed(lines)
        self.rows.value = self._framed(view_table(seen, language, confidence=parameters.confidence).to_html())
        charts = view_charts(seen, language, confidence=parameters.confidence)
        self.plots.value = self._framed("".join(_figure(chart) for chart in charts))
        self.code.value = self._framed(self._code(seen))

    def _code(self, seen: View) -> str:
        words = escape(self.opening + seen.code)
        copy = "navigator.clipboard.writeText(this.parentNode.querySelector('pre').textContent)"
        button = f'<button type="button" class="kj-copy" onclick="{copy}">{escape(self._say("copy"))}</button>'
        return f"<details><summary>{escape(self._say('code'))}</summary><div>{button}<pre>{words}</pre></div></details>"

    def _restricted(self) -> Any:
        """The way into the restricted mode: a reader that the parameters name, a reason, an entry on record."""
        import ipywidgets as widgets

        readers = self.evaluation.parameters.privacy.readers
        lead = self._say("mode.lead", file=ACCESS_RECORD) if readers else self._say("mode.none")
        reader = self._dropdown("mode.reader")
        reader.options = readers
        reason = widgets.Text(description=self._say("mode.reason"), layout=reader.layout,
                              style={"description_width": "5rem"})  # fmt: skip
        button, told = widgets.Button(description=self._say("mode.open"), disabled=not readers), widgets.HTML()

        def switch(_: Any) -> None:
            told.value = ""
            try:
                opened = None if self.access else open_restricted(
                    self.evaluation, reader=reader.value, reason=reason.value
                )  # fmt: skip
            except KinerjaError as error:
                problems = [wording.problem_sentence(p, self.language) for p in error.problems]
                told.value = self._framed(f'<p class="kj-warn">{escape(" ".join(problems))}</p>')
                return
            self.access = opened
            button.description = self._say("mode.close" if opened else "mode.open")
            self._draw()

        button.on_click(switch)
        panel = widgets.VBox([widgets.HTML(self._framed(f"<p>{escape(lead)}</p>")), reader, reason, button, told])
        return widgets.Accordion([panel], titles=[self._say("mode")])

    def _say(self, key: str, **values: Any) -> str:
        return wording.text(f"explorer.{key}", self.language, **values)

    def _row_name(self, name: str) -> str:
        return wording.label(name if wording.has_label(name) else f"attribute.{name}", self.language)

    def _value_name(self, name: str, value: Any) -> str:
        if name == "group":
            return f"{self._row_name(value[0])}: {word(value[0], str(value[1]), self.language)}"
        return str(value)

    def _framed(self, html: str) -> str:
        return f'<div class="kj-explorer" lang="{self.language}">{html}</div>'


def _figure(chart: Any) -> str:
    from kinerja.show.charts.canvas import NARROW, WIDE

    note = f'<span class="kj-small">{escape(chart.note)}</span>' if chart.note else ""
    drawn = chart.svg(width=WIDE, css_class="kj-chart-wide") + chart.svg(width=NARROW, css_class="kj-chart-narrow")
    return f"<figure><figcaption>{escape(chart.caption)}{note}</figcaption>{drawn}</figure>"


def _offer(control: Any, options: list[tuple[str, Any]], otherwise: Any = None) -> None:
    """Give a dropdown its options; its value stays where it can, else it is `otherwise` or the first."""
    values = [value for _, value in options]
    kept = next(value for value in (control.value, otherwise, values[0]) if value in values)
    control.options = options
    control.value = kept


def _base(base: str | Path) -> str:
    return f", base={str(base)!r}" if base else ""


@cache
def _style() -> str:
    return (Path(str(files("kinerja.explorer"))) / "style.css").read_text(encoding="utf-8")

"""What one participant of the moderation sees: everybody but themselves, in every table and in every count.

Totals are computed without the participant too: a total over all beside the rows of all others would give the own row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from kinerja import wording
from kinerja.errors import DataError, Problem
from kinerja.evaluation import Evaluation
from kinerja.evaluation.steps import moderated_people
from kinerja.moderation import Moderation, replay_decisions, session_view
from kinerja.moderation.log import LOG_COLUMNS
from kinerja.results.shown import Shown
from kinerja.show.blocks import Block, facts, findings, prose
from kinerja.show.section import Section
from kinerja.show.tables import Table, code, interval, number, table, words


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Session(Shown):
    """The moderation as one participant may see it.

    Fields
    ------
    participant : whose rows are left out
    own_row : whether the run has a row about them
    people : ratee, unit, supervisor, observed, calibrated, conf_low, conf_high, predikat, after (score after the
        decisions so far), predikat_after, n_decisions; the participant is not in it
    moderation : the decisions so far, replayed without the participant; None where the run has no log
    """

    participant: str
    own_row: bool
    people: pd.DataFrame
    moderation: Moderation | None


def open_session(evaluation: Evaluation, participant: str) -> Session:
    """Leave out every row about the participant, and count everything anew without it.

    Raises
    ------
    DataError : nobody of that id is rated or rates in this run (a slip of the pen would hide nothing); the run has no
        scores of people
    """
    if evaluation.scores is None:
        raise _refused("session_no_scores", participant)
    everyone = moderated_people(evaluation.scores, evaluation.calibration)
    ids = {str(name) for name in [*everyone["ratee"], *everyone["supervisor"], *evaluation.inputs.ratings["rater"]]}
    if participant not in ids:
        raise _refused("session_unknown", participant)
    shown = session_view(everyone, participant)
    observed = evaluation.scores.ratees.set_index("ratee")["points"]
    moderation = _replayed(evaluation, shown, participant)
    people = shown.assign(observed=shown["ratee"].map(observed))
    if moderation is not None:
        after = moderation.persons.set_index("ratee")
        people = people.assign(
            after=people["ratee"].map(after["score_after"]),
            predikat_after=people["ratee"].map(after["category_after"]),
            n_decisions=people["ratee"].map(after["n_decisions"]),
        )
    return Session(
        participant=participant,
        own_row=len(shown) < len(everyone),
        people=people.sort_values(["unit", "supervisor", "ratee"], kind="stable", ignore_index=True),
        moderation=moderation,
    )


def session_section(evaluation: Evaluation, participant: str, language: wording.Language | None = None) -> Section:
    """The session view in reading order, for a page and a notebook.

    Raises
    ------
    DataError : see `open_session`
    """
    spoken = language or evaluation.parameters.language
    blocks = tuple(_blocks(open_session(evaluation, participant), spoken, evaluation.parameters.confidence))
    return Section(name="session", language=spoken, blocks=blocks)


def _replayed(evaluation: Evaluation, shown: pd.DataFrame, participant: str) -> Moderation | None:
    made = evaluation.moderation
    if made is None:
        return None
    log = session_view(made.log[[*LOG_COLUMNS, "row"]], participant)
    staff = session_view(evaluation.inputs.staff, participant)
    groups = [str(name) for name in made.settings.get("groups", ())]
    return replay_decisions(
        log,
        shown,
        staff[staff["period"] == evaluation.parameters.period.id],
        groups=groups,
        categories=made.settings["categories"],
        minimum_cell=evaluation.parameters.privacy.minimum_cell,
        confidence=evaluation.parameters.confidence,
    )


def _blocks(session: Session, language: wording.Language, confidence: float) -> Iterator[Block | Table]:
    key = "session.lead" if session.own_row else "session.lead_no_row"
    yield prose(key, language=language, lead=True, participant=session.participant, n=len(session.people))
    yield prose("session.decide", language=language)
    made = session.moderation
    if made is not None:
        total = made.flow[made.flow["decision"] == "all"].iloc[0]
        counts = [(wording.label(name, language), wording.number(int(total[name]), None, language))
                  for name in ("n_raised", "n_lowered", "n_confirmed")]  # fmt: skip
        yield facts(counts)
        yield findings(made.findings, language)
    spread = [interval(confidence)] if "conf_low" in session.people else []
    after = [] if made is None else [
        number("after", 1, label=wording.text("session.after", language)),
        code("predikat_after", label=wording.text("session.predikat_after", language)),
    ]  # fmt: skip
    yield table(
        session.people,
        columns=[words("ratee"), words("unit"), words("supervisor"), number("observed", 1), number("calibrated", 1),
                 *spread, code("predikat"), *after],
        language=language,
        caption_key="session.people",
        name="session_people",
        limit=None,
    )  # fmt: skip
    if made is not None:
        yield table(
            made.log.assign(why=made.log["reason"]),
            columns=[words("ratee"), code("decision"), words("old"), words("new"),
                     words("why", label=wording.label("reason_given", language)), words("by"), code("status")],
            language=language,
            caption_key="session.log",
            name="session_log",
            limit=None,
        )  # fmt: skip


def _refused(key: str, participant: str) -> DataError:
    problem = Problem(where="session", column="participant", found=participant, code=key)
    return DataError(wording.problem_message([problem]), [problem])

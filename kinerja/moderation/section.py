"""Section 9: the moderation: what people changed, which way, whether it evens out, and against which evidence."""

from __future__ import annotations

from collections.abc import Iterator

from kinerja import wording
from kinerja.moderation import Moderation
from kinerja.show.blocks import Block, findings, prose
from kinerja.show.tables import Table, code, interval, number, percent, table, words


def decisions(found: Moderation | None, language: wording.Language) -> Iterator[Block | Table]:
    yield prose("decisions.lead", language=language, lead=True)
    if found is None:
        yield prose("decisions.none", language=language)
        return
    yield findings(found.findings, language)
    yield table(
        found.flow,
        columns=[
            code("decision"),
            *(number(name, 0) for name in ("n", "n_raised", "n_lowered", "n_confirmed")),
            percent("share_raised"),
        ],
        language=language,
        caption_key="decisions.flow",
        name="decisions_flow",
    )
    yield table(
        found.compression,
        columns=[
            number("sd_before", 1),
            number("sd_after", 1),
            number("estimate", 2),
            interval(found.settings["confidence"], digits=2),
            number("n", 0),
        ],
        language=language,
        caption_key="decisions.compression",
        name="decisions_compression",
    )
    if len(found.by_group):
        yield table(
            found.by_group,
            columns=[
                code("attribute"),
                words("group"),
                words("reference"),
                number("gap_before", 1, signed=True),
                number("gap_after", 1, signed=True),
                code("verdict"),
            ],
            language=language,
            caption_key="decisions.by_group",
            name="decisions_by_group",
        )
    if len(found.against_evidence):
        yield table(
            found.against_evidence,
            columns=[words("ratee"), code("decision"), words("old"), words("new"), words("reason", label="")],
            language=language,
            caption_key="decisions.against",
            name="decisions_against_evidence",
        )
    yield table(
        found.log.assign(why=found.log["reason"]),
        columns=[
            words("ratee"),
            code("decision"),
            words("old"),
            words("new"),
            words("why", label=wording.label("reason_given", language)),
            words("by"),
            code("status"),
        ],
        language=language,
        caption_key="decisions.log",
        note_key="decisions.log_note",
        name="decisions_log",
        limit=40,
    )

"""Nothing is left untranslated: texts and labels, help and refusals of the command line, reports.

Two nets. Short lists of function words that one language has and the other has not catch a fragment in the data; on
rendered pages every word is caught that stands in English texts of the package and in no Indonesian one.
"""

from __future__ import annotations

import ast
import os
import re
import string
import subprocess
import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

import kinerja as kj
from kinerja import methods as sections_methods
from kinerja import wording
from kinerja.errors import ParameterError
from kinerja.evaluation.verification import Verification
from kinerja.people.appeal import appeal
from kinerja.report import contents as sections
from kinerja.report.appeal import appeal_tables
from kinerja.report.impact_assessment import dpia_page
from kinerja.report.parts import reader as sections_reader
from kinerja.report.parts import review as sections_review
from kinerja.report.parts import unit as sections_unit
from kinerja.report.parts.comparison import verification_tables
from kinerja.report.parts.session import session_section
from kinerja.report.sheet import sheet_page
from kinerja.show.tables import Table

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "kinerja"
EXAMPLE = ROOT / "parameters" / "andir-2026-q3.yaml"

_ENGLISH = (
    "the of and with is are was were not this that these those from for by which who whose what when where how than "
    "then it its be been has have had does each every any some more most less their they them his her our your you we "
    "can could might must shall should will would if but both only same other another such between into out without "
    "within during after before because also under over about rater raters ratee ratees ratings score scores employee "
    "employees supervisor supervisors severity leniency value values found allowed expected file files row rows run "
    "runs report reports people person show shown write written read missing"
)
_INDONESIAN = (
    "yang dan dari dengan untuk pada adalah ini itu tidak atau bila jika dalam oleh sebagai akan telah sudah belum "
    "karena agar para setiap semua satu lebih kurang antara nilai penilai pegawai atasan berkas baris kolom tabel "
    "angka bukan hanya dapat bisa harus boleh masih tentang serta maka namun tetapi keketatan"
)
ENGLISH, INDONESIAN = frozenset(_ENGLISH.split()), frozenset(_INDONESIAN.split())
"""Neither list holds a word that the other language has as well (`per`, `model`, `unit`, `rating`, `a`)."""

SAME = {
    "what to type next, and field names": ""
    "display.log_likelihood display.status display.n display.halo display.next.Access display.next.Appeal "
    "display.next.AppealReplay display.next.Fairness display.next.Calibration display.next.CaseMix "
    "display.next.Comments display.next.Comparison display.next.Evaluation display.next.EvidencePlan "
    "display.next.Citizens display.next.FeedbackQuality display.next.Inputs display.next.MixedFit "
    "display.next.Moderation display.next.Parameters display.next.Prior display.next.RaterFit "
    "display.next.RaterUse display.next.Review display.next.Rules display.next.Scores display.next.Screening "
    "display.next.Section display.next.Session display.next.Sheet display.next.Signoff "
    "display.next.Verification display.next.View display.next.Worked display.next.Written ",
    "names of methods and statistics, alike in both": "brennan_prediger p method.mantel_haenszel n_strata delta "
    "screen.halo infit outfit infit_z outfit_z rmse strata p_holm p_bh n sha256 parameter minimum",
    "the law's own nouns": "sangat_baik baik butuh_perbaikan kurang sangat_kurang predikat_a predikat_b",
    "words that are the same": "unit status target format level.unit explorer.unit fairness.column.unit "
    "workshop.groups.alarm cli.metavar.folder cli.metavar.unit",
    "nothing but signs and placeholders": "a b cli.batch.failure dpia.field.empty cli.init.table",
}
QUOTED = {
    "problem.decision_column.allowed": {"ratee", "by"},  # headers of the decisions log
    "problem.decision_confirm.way_out": {"score"},
    "problem.no_sources.allowed": {"ratings"},  # kinds of sources in the parameters
    "problem.reader_takes_nobody.way_out": {"employee"},  # readers, as --reader takes them
    "problem.reader_without_option.way_out": {"employee"},
    "cli.option.reader": {"employee"},
    "cli.option.notebook": {"report"},
    "cli.init.next": {"report"},  # a command
    "cli.simulate.done": {"report"},
    "problem.query_not_select.allowed": {"with"},  # SQL
    "kurang": {"kurang"},  # the law's own nouns in English texts
    "sangat_kurang": {"kurang"},
    "organisation.kurang": {"kurang"},
    "organisation.sangat_kurang": {"kurang"},
    "predikat.butuh_perbaikan+kurang": {"kurang"},
    "problem.not_recognised.way_out": {"pegawai", "penilai", "nilai"},  # headers of an office's file
}
"""Words of the other language that are quoted, key by key."""

_CODE = re.compile(r"\{[^}]*\}|`[^`]*`|https?://\S+|<[^<>]*>|--?[a-z][\w-]*|[\w/-]+(?:[._][\w/-]+)+")


def _words(sentence: str) -> list[str]:
    """The words of a sentence, code left out: options, dotted keys, names of files, what stands in backticks."""
    return re.findall(r"[a-z]+", _CODE.sub(" ", sentence).lower())


def _rows():
    return [(kind, key, row) for kind in ("sentence", "label") for key, row in wording.rows(kind).items()]


def _foreign(key, sentence, words):
    return sorted(set(_words(sentence)) & words - QUOTED.get(key, set()))


# Texts and labels


def test_no_text_holds_words_of_the_other_language():
    wrong = []
    for _, key, row in _rows():
        for fields, words in ((("id", "definition_id"), ENGLISH), (("en", "definition_en"), INDONESIAN)):
            wrong += [(key, field, found) for field in fields if (found := _foreign(key, row.get(field, ""), words))]
    assert wrong == []


def test_each_text_is_written_twice():
    """Equal texts are names; each is listed with its reason, and no listed one has gone."""
    allowed = {key for keys in SAME.values() for key in keys.split()}
    same = {key for _, key, row in _rows() if row["id"] == row["en"]}
    assert same - allowed == set()
    assert allowed - same == set()


def test_definitions_stand_in_both_languages_or_in_none():
    assert [k for _, k, r in _rows() if bool(r.get("definition_id")) != bool(r.get("definition_en"))] == []


def test_placeholders_are_the_same():
    def fields(sentence):
        return sorted(name for _, name, _, _ in string.Formatter().parse(sentence) if name)

    texts = wording.rows("sentence").items()
    assert [k for k, r in texts if set(fields(r["id"])) != set(fields(r["en"]))] == []


def test_quotations_are_still_needed():
    """An exception for a word that no longer stands there would hide the next one."""
    rows = {key: row for _, key, row in _rows()}
    for key, quoted in QUOTED.items():
        assert quoted <= {word for sentence in rows[key].values() for word in _words(sentence)}, key


@pytest.mark.parametrize(
    ("sentence", "words", "found"),
    [
        ("Berkas ini not terbaca", ENGLISH, ["not"]),
        ("Nilai `the score` dan --run period.of", ENGLISH, []),
        ("The berkas is empty", INDONESIAN, ["berkas"]),
    ],
)
def test_the_net_catches(sentence, words, found):
    assert _foreign("", sentence, words) == found


# What code shows must have words


def _calls(names):
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in names:
                yield path, node


def test_each_column_has_a_header_and_each_table_a_sheet():
    lacking = []
    for path, node in _calls({"code", "words", "number", "percent", "day", "table"}):
        given = {k.arg: k.value for k in node.keywords}
        name = given.get("name")
        if isinstance(name, ast.Constant) and not wording.has_text(f"sheet_name.{name.value}"):
            lacking.append((path.name, node.lineno, name.value))
        first = node.args[0] if node.args else None
        if getattr(node.func, "id", "") == "table" or not isinstance(first, ast.Constant) or "label" in given:
            continue
        if isinstance(first.value, str) and getattr(node.func, "id", "") and not wording.has_label(first.value):
            lacking.append((path.name, node.lineno, first.value))
    drawn = [n for path in PACKAGE.glob("plots*.py") for n in ast.parse(path.read_text(encoding="utf-8")).body]
    charts = {node.name for node in drawn if isinstance(node, ast.FunctionDef) and node.name.endswith("_chart")}
    for path, node in _calls(charts):
        rows = {k.arg: k.value for k in node.keywords}.get("label")
        if isinstance(rows, ast.Constant) and not wording.has_label(rows.value):
            lacking.append((path.name, node.lineno, rows.value))
    assert lacking == []


ENGLISH_ONLY = {
    # wrong arguments or frames of the Python functions; a run checks its files before
    "raters/agreement/__init__", "simulation/alternatives/moderation", "simulation/alternatives/shrinkage",
    "fairness/__init__", "citizens/case_mix", "raters/rasch/__init__", "raters/rasch/bias", "raters/rasch/design",
    "raters/rasch/joint", "raters/rasch/refit", "raters/rasch/tables", "raters/mixed/__init__", "raters/mixed/design",
    "raters/mixed/generalizability", "raters/mixed/optimise", "raters/__init__",
    # the same beside refusals with words
    "calibration/__init__", "calibration/frames", "citizens/__init__", "rules/__init__",
    # a check whose table is not as it says
    "fairness/checks",
    # unknown names
    "report/__init__", "report/contents", "methods/__init__", "report/parts/reader", "report/parts/review",
    "report/parts/unit",
    # a phone shows words of its own
    "workshop/room/__init__", "workshop/score/__init__",
}  # fmt: skip
"""Modules that may raise an error with English words only: none that a command's user or a file can cause."""


def test_errors_that_a_user_causes_have_words_in_both_languages():
    """An error has problems, which are said in both languages, or is made by `say` or `refusal`."""
    kinds = {"ParameterError", "DataError", "RuleError", "EstimationError", "KinerjaError", "BadParameter"}
    bare = {
        (path.relative_to(PACKAGE).with_suffix("").as_posix(), node.lineno)
        for path, node in _calls(kinds)
        if len(node.args) == 1 and not node.keywords and isinstance(node.args[0], (ast.Constant, ast.JoinedStr))
    }
    assert {place for place in bare if place[0] not in ENGLISH_ONLY} == set()


def test_each_problem_has_its_sentences():
    codes = set()
    for _, node in _calls({"Problem", "refusal"}):
        code = {k.arg: k.value for k in node.keywords}.get("code") or (node.args[1] if len(node.args) > 1 else None)
        codes |= {code.value} if isinstance(code, ast.Constant) else set()
    lacking = [c for c in codes for part in ("allowed", "way_out") if not wording.has_text(f"problem.{c}.{part}")]
    assert codes and lacking == []


# The command line

RUNNER = """
import contextlib, io, json, sys
from kinerja import cli
shown = []
for arguments in json.load(sys.stdin):
    said = io.StringIO()
    said.reconfigure = lambda **kw: None
    sys.argv = ["kinerja", *arguments]
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            cli.main()
        except SystemExit as end:
            code = end.code
    shown.append((code, said.getvalue()))
print(json.dumps(shown))
"""


def _said(lines, language, folder):
    """What `kinerja` answers to each command line: exit code and words."""
    import json

    environment = os.environ | {"KINERJA_LANGUAGE": language, "COLUMNS": "100", "PYTHONPATH": str(ROOT), "LC_ALL": "C"}
    done = subprocess.run(
        [sys.executable, "-c", RUNNER], input=json.dumps(lines), capture_output=True, text=True, env=environment,
        cwd=folder, check=True,
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])


def _commands():
    from kinerja.cli import app

    return [command.name or command.callback.__name__ for command in app.registered_commands]


@pytest.mark.parametrize("language", wording.LANGUAGES)
def test_help_is_in_one_language(language, tmp_path):
    lines = [["--help"], *([command, "--help"] for command in _commands())]
    foreign = ENGLISH | {"usage", "options", "arguments", "commands", "exit", "required", "default", "message", "help"}
    foreign = foreign if language == "id" else INDONESIAN | {"pemakaian", "opsi", "argumen", "wajib", "bawaan"}
    known = {"verify", "report", "employee", "public", "office"}  # commands and values of options
    for line, (code, shown) in zip(lines, _said(lines, language, tmp_path), strict=True):
        assert code == 0
        # The example and what a command is called stand in every help.
        body = re.sub(r"(Contoh|Example): kinerja .*?\n\n", "", shown, flags=re.DOTALL)
        assert not set(_words(body)) & foreign - known, (line, shown)
        assert ("Pemakaian:" in shown) == (language == "id") and ("Usage:" in shown) == (language == "en")


BROKEN = {
    "unknown key": "office: {name: K}\nperiod: {kind: year, year: 2026}\nsources: {staff: {path: a.csv}}\nnope: 1\n",
    "wrong type": "office: 3\nperiod: {kind: year, year: x}\nsources: []\ngroups: {a: 1}\nseed: x\nconfidence: 2\n",
    "too many": "office: {name: K}\nscoring: {scale: [1, 2, 3]}\n",
    "too few": "office: {name: K}\nscoring: {scale: [1]}\n",
    "bad date": "office: {name: K}\nperiod: {kind: year, year: 2026, as_of: 2026-13-01}\n",
    "twice": "office: {name: K}\noffice: {name: K}\n",
    "alias": "office: &a {name: K}\nperiod: *a\n",
    "open": "office: {name: K\n",
    "list open": "groups: [a\n",
    "colon": "office: a: b\n",
    "tab": "\toffice: 1\n",
    "quotes": "office: 'K\n",
    "tag": "office: !x 1\n",
    "key": "? [a]\n: 1\n",
    "escape": 'office: "\\q"\n',
    "documents": "a: 1\n---\nb: 2\n",
    "at": "a: @x\n",
    "brace": "a: }\n",
    "control": "a: \x01\n",
    "list": "- a\n",
}


def _wrong_lines(folder):
    for name, content in BROKEN.items():
        (folder / f"{name.replace(' ', '-')}.yaml").write_text(content, encoding="utf-8", newline="\n")
    example = str(EXAMPLE)
    return [
        ["--nope"], ["repo"], ["xyz"], ["--debug"], ["--version=1"], ["report"], ["report", "--notebok", "x"],
        ["report", "a", "b"], ["report", "--as-of"], ["report", "--pdf=1", "x"], ["signoff", "x"], ["init"], ["batch"],
        ["verify", "x", "--tolerance", "abc"], ["verify", "x", "--tolerance", "-1"], ["verify", "x", "-l", "fr"],
        ["explore", "x", "--port", "99999"], ["explore", "x", "--port", "x"], ["simulate", "--seed", "1.5"],
        ["simulate", "--scenario", "X9"], ["batch", "x", "--by", "team"], ["sheet", "x"], ["appeal", "x"],
        ["report", "none.yaml"], ["report", "."], ["verify", "none"], ["compare", "none", "none"],
        ["signoff", ".", "--name", "A"], ["signoff", ".", "--name", " "], ["init", "none.csv"],
        ["init", "list.yaml", "--period", "2026-Q9"], ["report", example, "--language", "fr"],
        ["report", example, "--notebook", "none"], ["report", example, "--reader", "none"],
        ["report", example, "--unit", "none"], ["report", example, "--reader", "unit_head"],
        ["report", example, "--as-of", "besok"], ["batch", example, example],
        *(["check", f"{name.replace(' ', '-')}.yaml"] for name in BROKEN),
    ]  # fmt: skip


# What a person typed, and keys and values of the parameters.
TYPED = {
    "none", "team", "confidence", "decisions", "employee", "explorer", "feedback", "groups", "language", "office",
    "output", "period", "seed", "sources",
}  # fmt: skip


def test_refusals_of_the_command_line_speak_indonesian(tmp_path):
    lines, english = _wrong_lines(tmp_path), (ENGLISH | _english_only()) - TYPED - set(_commands())
    foreign = []
    for line, (code, shown) in zip(lines, _said(lines, "id", tmp_path), strict=True):
        assert code in (1, 2), (line, shown)
        assert set(_words(shown)) & {"kesalahan", "masalah", "perintah"}, (line, shown)
        foreign += [(line, sorted(found), shown)] if (found := set(_words(_unquoted(shown))) & english) else []
    assert foreign == []


def test_refusals_of_the_command_line_speak_english(tmp_path):
    lines = _wrong_lines(tmp_path)
    for line, (code, shown) in zip(lines, _said(lines, "en", tmp_path), strict=True):
        assert code in (1, 2), (line, shown)
        assert not set(_words(_unquoted(shown))) & INDONESIAN, (line, shown)


def _unquoted(shown):
    return re.sub(r"'[^'\n]*'|\[[^\[\]\n]*\]", " ", shown)


def test_other_programs_are_told_in_words():
    assert wording.said("Missing argument 'X'.", "id") == "Argumen 'X' belum diberikan."
    assert wording.said("Missing argument 'X'.", "en") == "Missing argument 'X'."
    assert wording.said("Invalid value for '--n': Input should be less than or equal to 3") == (
        "Nilai '--n' tidak sah: paling besar 3"
    )
    assert wording.said("No such option: --x (Possible options: --y)") == "Tidak ada opsi --x. Opsi yang mirip: --y."
    assert wording.said("something nobody knows") == "something nobody knows"


def test_a_message_follows_the_language_of_the_run(monkeypatch):
    def message():
        return str(wording.refusal(ParameterError, "missing_key", where="p.yaml", name="office"))

    monkeypatch.delenv("KINERJA_LANGUAGE", raising=False)
    assert "must be given" in message()
    monkeypatch.setenv("KINERJA_LANGUAGE", "id")
    assert "harus ada" in message()


# Reports


@cache
def _english_only():
    """Words of English texts and labels that no Indonesian one has, code left out."""
    found = {"id": set(), "en": set()}
    for _, _, row in _rows():
        for language, words in found.items():
            for field in (language, f"definition_{language}"):
                words |= {w for w in _words(row.get(field) or "") if len(w) > 2}
    return frozenset(found["en"] - found["id"]) - {"kinerja"}


class _Visible(HTMLParser):
    """The texts a reader sees or hears: alternative texts, labels and titles too."""

    def __init__(self):
        super().__init__()
        self.texts, self.hidden = [], 0

    def handle_starttag(self, tag, attributes):
        self.hidden += tag in ("script", "style", "code")
        self.texts += [value for name, value in attributes if name in ("alt", "aria-label", "title") and value]

    def handle_endtag(self, tag):
        self.hidden -= tag in ("script", "style", "code")

    def handle_data(self, data):
        if not self.hidden:
            self.texts.append(data)


DATA = {"parameters", "versions", "comments", "reader_comments", "comparison_parameters"}
"""Tables whose cells are not ours: settings and comments as they were written."""
NAMES = {
    "values", "and", "measurement", "journal", "core", "educational", "psychological", "support", "document",
    "gender", "generation", "employment", "age", "sex", "education", "occupation", "channel", "advice", "stata",
}  # fmt: skip
"""Titles of publications, and columns of the office's own files."""


def _html(block):
    if isinstance(block, Table):
        return "" if block.name in DATA else block.to_html()
    if hasattr(block, "html"):
        return block.html
    parts = [block.caption, block.note, block.alt, "" if block.table.name in DATA else block.table.to_html()]
    return " ".join(f"<p>{part}</p>" for part in parts) + block.svg()


def _english_in(page):
    reader = _Visible()
    reader.feed(page)
    return [
        (text.strip()[:160], sorted(words))
        for text in reader.texts
        if (words := set(_words(text)) & (_english_only() | ENGLISH) - NAMES)
    ]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kata")
    overrides = {"output.folder": str(folder), "language": "id"}
    return kj.open_run(kj.load_parameters(EXAMPLE, overrides=overrides))


@pytest.mark.parametrize("name", [*sections.NAMES, *sections.DEEPER])
def test_sections_are_indonesian(run, name):
    assert [hit for block in sections.section(name, run).blocks for hit in _english_in(_html(block))] == []


@pytest.mark.parametrize("name", sections_methods.TOPICS)
def test_worked_examples_are_indonesian(name):
    blocks = sections_methods.worked(name, "id").blocks
    assert [hit for block in blocks for hit in _english_in(_html(block))] == []


def test_unit_report_and_editions_are_indonesian(run):
    unit = sorted(run.inputs.staff["unit"].dropna().astype(str))[0]
    shown = [sections_unit.unit_section(name, run, unit) for name in sections_unit.NAMES]
    for reader, given in (("unit_head", {"unit": unit}), ("employee", {"ratee": "P014"}), ("public", {})):
        shown += [sections_reader.reader_section(part, run, reader, **given) for part in sections_reader.PARTS]
    assert [hit for section in shown for block in section.blocks for hit in _english_in(_html(block))] == []


def test_sheet_assessment_and_session_are_indonesian(run):
    assert _english_in(sheet_page(kj.sheet(run, "P014"), run)) == []
    assert _english_in(dpia_page(run)) == []
    assert [hit for block in session_section(run, "P045").blocks for hit in _english_in(_html(block))] == []


def test_review_verification_and_appeal_are_indonesian(run):
    correction = ROOT / "parameters" / "appeal-example.yaml"
    done = appeal(run, correction)
    steps = [(cause, 3, 0.5, 1.0, 1) for cause in ("program", "inputs", "settings", "rest", "together")]
    columns = ["cause", "n", "mean_change", "largest", "predikat_changes"]
    compared = sections_review.Review(
        a=run, b=done.corrected, comparison=done.comparison, steps=pd.DataFrame(steps, columns=columns)
    )
    shown = [_html(b) for part in sections_review.PARTS for b in sections_review.review(part, compared, "id").blocks]
    shown += [table.to_html() for table in appeal_tables(done, "id", limit=None)]
    outputs = pd.DataFrame([("report.html", "changed"), ("tables.xlsx", "missing")], columns=["file", "state"])
    edits = pd.DataFrame(columns=["key", "a", "b"])
    verified = Verification(comparison=done.comparison, outputs=outputs, settings=edits)
    shown += [table.to_html() for table in verification_tables(verified, "id")]
    assert [hit for page in shown for hit in _english_in(page)] == []


def test_the_pages_net_catches():
    assert _english_in('<p>Nilai <img alt="the score">terkalibrasi</p>') == [("the score", ["score", "the"])]
    assert _english_in("<th>Way</th><style>of the</style>") == [("Way", ["way"])]
    assert _english_in("<td>Nilai asal P014, scoring.scale</td>") == []
    assert _english_in("<th>Left out</th>") == [("Left out", ["left", "out"])]

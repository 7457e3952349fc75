"""Disk full, read-only, locked, killed, two at once: nothing is lost or half-written; the message says what to do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from kinerja.report import files as report_files
from kinerja.report.files import WriteError, occupied, staged, sweep
from tests.office import staffed, write_office
from tests.patience import SECONDS

PEOPLE = staffed(Satu=[50 + k for k in range(8)], Dua=[60 + k for k in range(8)])
OLD = {"report.html": "lama", "tables.xlsx": "lama", "manifest.json": "lama"}
posix = pytest.mark.skipif(sys.platform == "win32", reason="signals and mounts of POSIX")


@pytest.fixture
def folder(tmp_path):
    """A run's folder with an earlier report in it."""
    place = tmp_path / "hasil" / "kantor"
    place.mkdir(parents=True)
    for name, text in OLD.items():
        (place / name).write_text(text, encoding="utf-8")
    return place


def content(folder):
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}


def write_new(folder):
    with staged(folder, last="manifest.json") as stage:
        for name in (*OLD, "report.pdf"):
            (stage / name).write_text("baru", encoding="utf-8")


def kinerja(*words, module="kinerja", folder=None):
    """The command line in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", module, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={**os.environ, "KINERJA_LANGUAGE": "id"},
    )


HALTS = {
    "reading": ("kinerja.evaluation", "read_inputs", 1),
    "running the notebook": ("kinerja.report.notebook.engine", "_record", 1),
    "writing": ("kinerja.report", "write_manifest", 1),
    "moving into place": ("kinerja.report.files", "_move", 2),
}
"""Steps of a report: the module, its function, and which call of it (the second move: one file is aside already)."""


def halting(folder, place, *words):
    """The command line, halted at a step, where it says "here" and stays until a signal comes."""
    module, step, call = HALTS[place]
    code = f"""
        import time
        import {module} as module
        from kinerja.cli import main
        real, calls = module.{step}, []
        def halted(*given, **options):
            calls.append(1)
            if len(calls) == {call}:
                print("here", flush=True)
                for _ in range({20 * SECONDS}):  # no long sleep: a signal that comes just before it would wait
                    time.sleep(0.05)
            return real(*given, **options)
        module.{step} = halted
        main()
    """
    (folder / "halting.py").write_text(textwrap.dedent(code), encoding="utf-8")
    return kinerja(*words, module="halting", folder=folder)


@pytest.mark.parametrize("place", ["aside", "in"])
@pytest.mark.parametrize("name", [*OLD, "report.pdf"])
def test_a_file_that_another_program_holds_changes_nothing(folder, name, place, monkeypatch):
    if place == "aside" and name == "report.pdf":
        pytest.skip("there was no earlier PDF to move aside")
    real = Path.replace

    def replace(self, target):
        held = self if place == "aside" else Path(target)
        if held == folder / name and (place == "aside" or report_files.BEFORE not in self.parts):
            raise PermissionError(13, "Permission denied", str(held))
        return real(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(WriteError) as caught:
        write_new(folder)
    assert caught.value.problems[0].code == "cannot_write" and caught.value.problems[0].column == name
    assert content(folder) == OLD


def test_a_whole_run_replaces_the_earlier_one(folder):
    write_new(folder)
    assert content(folder) == dict.fromkeys((*OLD, "report.pdf"), "baru")


@posix
@pytest.mark.parametrize("after", [1, 2, 3, 4, 5, 6, 7])
def test_a_killed_process_loses_nothing(folder, after):
    """Killed at each of the seven moves (three aside, four in): the next run finds all of the old or all of the new."""
    code = f"""
        import os, signal
        from pathlib import Path
        from kinerja.report.files import staged
        real, moves = Path.replace, []
        def replace(self, target):
            done = real(self, target)
            moves.append(target)
            if len(moves) == {after}:
                os.kill(os.getpid(), signal.SIGKILL)
            return done
        Path.replace = replace
        with staged(Path({str(folder)!r}), last="manifest.json") as stage:
            for name in {(*OLD, "report.pdf")!r}:
                (stage / name).write_text("baru", encoding="utf-8")
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], timeout=SECONDS)
    assert done.returncode == -signal.SIGKILL
    sweep(folder)
    kept = {name: text for name, text in content(folder).items() if name in OLD}
    assert kept in (OLD, dict.fromkeys(OLD, "baru"))
    assert (kept == OLD) == (after < 7)
    assert not list(folder.glob(f"{report_files.STAGE}*"))


def test_two_runs_do_not_work_in_one_folder(folder):
    with occupied(folder):
        with pytest.raises(WriteError) as caught, occupied(folder):
            pytest.fail("both runs got the folder")
        assert caught.value.problems[0].code == "folder_in_use"
    with occupied(folder):
        pass
    assert content(folder) == OLD


@posix
def test_a_killed_run_frees_its_folder(folder):
    code = "import sys,time\nfrom pathlib import Path\nfrom kinerja.report.files import occupied\n"
    code += f"with occupied(Path({str(folder)!r})):\n    print('ada', flush=True)\n    time.sleep(600)\n"
    holder = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == "ada\n"
        with pytest.raises(WriteError), occupied(folder):
            pass
    finally:
        holder.kill()
        holder.wait(timeout=SECONDS)
    with occupied(folder):
        pass


@pytest.mark.parametrize(("language", "words"), [("id", "Proses lain sedang bekerja"), ("en", "Another run works")])
def test_the_command_says_that_the_folder_is_in_use(tmp_path, language, words):
    office = write_office(tmp_path, PEOPLE)
    with occupied(office.run_folder):
        process = kinerja("report", str(office.file), "--language", language)
        _, said = process.communicate(timeout=SECONDS)
    assert process.returncode == 1 and words in said and "Traceback" not in said
    assert not (tmp_path / "hasil").exists()


@pytest.fixture
def small_disk(tmp_path):
    """A disk of a few kilobytes of its own; only where the tests may mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = sys.platform == "linux" and os.geteuid() == 0 and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(place)], capture_output=True
    ).returncode == 0  # fmt: skip
    if not mounted:
        pytest.skip("a small disk can be mounted by root alone")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("state", ["full", "read_only"])
def test_a_disk_that_takes_nothing_is_said(small_disk, tmp_path, state):
    office = write_office(tmp_path, PEOPLE)
    if state == "read_only":
        subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    process = kinerja("report", str(office.file), "--output", str(small_disk / "hasil"))
    _, said = process.communicate(timeout=SECONDS)
    assert process.returncode == 1, said
    assert ("tidak ada ruang" if state == "full" else "hanya dapat dibaca") in said
    assert "Traceback" not in said and "Tidak ada berkas yang ditulis" in said
    left = [path for path in small_disk.rglob("*") if path.is_file()]
    assert not [path for path in left if path.name in ("report.html", "manifest.json", "tables.xlsx")]


def test_a_full_disk_in_any_command_is_no_defect(monkeypatch, capsys, tmp_path):
    from kinerja import cli

    office = write_office(tmp_path, PEOPLE)

    def full(*_args, **_more):
        raise OSError(28, "No space left on device", "evaluation/record.json")

    monkeypatch.setattr("kinerja.evaluation.save_record", full)
    monkeypatch.setattr(sys, "argv", ["kinerja", "sheet", str(office.file), "--all", "--language", "en"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr().err
    assert ended.value.code == 1 and "No space left on device" in said and "record.json" in said
    assert not [path for path in (tmp_path / "hasil").rglob("*") if path.is_file()]


@posix
@pytest.mark.slow
@pytest.mark.parametrize("place", HALTS)
def test_an_interrupted_run_says_so_and_leaves_the_earlier_report(tmp_path, place):
    office = write_office(tmp_path, PEOPLE)
    folder = office.run_folder
    folder.mkdir(parents=True)
    for name, text in OLD.items():
        (folder / name).write_text(text, encoding="utf-8")
    process = halting(tmp_path, place, "report", str(office.file))
    assert process.stdout.readline() == "here\n", process.communicate()[1]
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=SECONDS)
    assert process.returncode == 130, said
    assert "Dihentikan oleh Anda" in said and "Traceback" not in said
    assert {name: text for name, text in content_files(folder).items() if name in OLD} == OLD
    assert set(content_files(folder)) == set(OLD)


@posix
def test_an_interrupt_inside_exec_ends_with_the_same_code(tmp_path):
    """Every dataclass is made by `exec`; Python takes an interrupt there for unhandled and would end by the signal."""
    code = "import kinerja.cli as c\nc.app = lambda **_: exec('raise KeyboardInterrupt')\nc.main()\n"
    (tmp_path / "interrupted.py").write_text(code, encoding="utf-8")
    # as a module: a command (-c) ends before Python looks for an interrupt that nobody handled
    done = subprocess.run(
        [sys.executable, "-m", "interrupted"], cwd=tmp_path, capture_output=True, text=True,
        env={**os.environ, "KINERJA_LANGUAGE": "id"},
    )  # fmt: skip
    assert done.returncode == 130, done.stderr
    assert "Dihentikan oleh Anda" in done.stderr and "Traceback" not in done.stderr


def content_files(folder):
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir() if path.is_file()}

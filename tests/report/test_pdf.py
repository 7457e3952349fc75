"""The PDF of a page: tagged, A4, in the page's language; or a plain word where WeasyPrint is missing."""

from __future__ import annotations

import re
import sys
import zlib

import pytest

from kinerja.errors import KinerjaError
from kinerja.report.pdf import write_pdf

PAGE = (
    "<!doctype html><html lang='id'><head><title>Laporan</title><style>:root{--tinta:#222}@page{size:A4}"
    "h1{color:var(--tinta)}</style></head><body><main><h1>Kinerja</h1>"
    "<table><thead><tr><th scope='col'>Unit</th></tr></thead><tbody><tr><td>Andir</td></tr></tbody></table>"
    "</main></body></html>"
)


def test_a_pdf_is_tagged_and_a4(tmp_path):
    wanted = "no WeasyPrint here: pip install '.[pdf]'"
    pytest.importorskip("weasyprint", reason=wanted, exc_type=(ImportError, OSError))
    write_pdf(PAGE, tmp_path / "a.pdf")
    raw = (tmp_path / "a.pdf").read_bytes()
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", raw, flags=re.DOTALL)
    text = raw + b"".join(zlib.decompress(s) for s in streams if s[:1] == b"\x78")
    assert raw.startswith(b"%PDF-") and b"/StructTreeRoot" in text and b"/TH" in text
    assert re.search(rb"/Lang \(id\)", text)
    assert re.search(rb"/MediaBox \[0 0 595\.\d+ 841\.\d+\]", text)


def test_without_weasyprint_the_way_out_is_said(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    with pytest.raises(KinerjaError, match="pip install"):
        write_pdf(PAGE, tmp_path / "a.pdf")
    assert not list(tmp_path.iterdir())

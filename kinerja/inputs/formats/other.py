"""Files that hold no table, told apart so that a refusal can say what was found and what helps."""

from __future__ import annotations

import codecs

_MAGIC = (
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),
    (b"%PDF", "pdf"),
    (b"\x1f\x8b", "packed"),
    (b"7z\xbc\xaf", "packed"),
    (b"Rar!", "packed"),
    (b"\x89PNG", "picture"),
    (b"\xff\xd8\xff", "picture"),
)

NOT_TABLES = {
    "ole": "old_or_locked_excel",
    "pdf": "not_a_table",
    "packed": "packed_file",
    "picture": "not_a_table",
    "html": "html_file",
    "json": "not_a_table",
    "binary": "binary_file",
}
"""Kind -> the problem that a file of this kind is."""


def kind_of_other(head: bytes) -> str:
    """Which kind of NOT_TABLES a file is that begins with these bytes; empty for text, which may be a table."""
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    start = head[:2048].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<html", b"<!doctype", b"<table", b"<?xml", b"<meta", b"<head")):
        return "html"
    if start.startswith((b"{", b"[{")):
        return "json"
    utf16 = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return "binary" if b"\0" in head and not utf16 else ""

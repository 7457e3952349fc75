"""The text of a PDF: glyph codes through the fonts' ToUnicode tables (ISO 32000-1, 9.10.3), literal strings as is.

Enough to find a number in it; the order of columns is not restored.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping

_OBJECT = re.compile(rb"(\d+) 0 obj(.*?)endobj", re.DOTALL)
_STREAM = re.compile(rb"stream\r?\n(.*?)\r?\n?endstream", re.DOTALL)
_FONT = re.compile(rb"/([A-Za-z][\w.+-]*) (\d+) 0 R")
_SHOWN = re.compile(
    rb"/([A-Za-z][\w.+-]*) [\d.]+ Tf|<([0-9A-Fa-f\s]*)>|\(((?:\\.|[^\\)])*)\)|(ET|T\*|Td|TD|Tm|'|\")(?=\s|$)", re.DOTALL
)
_ONE = re.compile(rb"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>")
_RANGE = re.compile(rb"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>\s*(?:<([0-9A-Fa-f]+)>|\[([^\]]*)\])")

Glyphs = Mapping[int, str]


def pdf_text(content: bytes, largest: int) -> str:
    """What a PDF says: words through their fonts, literal strings, metadata.

    largest : bytes to which one stream is unpacked
    """
    objects = {int(number): body for number, body in _OBJECT.findall(content)}
    streams = {number: _unpacked(body, largest) for number, body in objects.items()}
    for number, body in list(objects.items()):
        if b"/ObjStm" in body:
            objects |= _packed_objects(body, streams[number])
    tables = {
        number: _glyphs(streams.get(int(found[1]), b""))
        for number, body in objects.items()
        if (found := re.search(rb"/ToUnicode (\d+) 0 R", body))
    }
    fonts = {
        name.decode("latin-1"): tables[int(at)]
        for body in objects.values()
        for name, at in _FONT.findall(body)
        if int(at) in tables
    }
    plain = _STREAM.sub(b"", content).decode("latin-1")
    readable = [stream for stream in streams.values() if stream and b"\0" not in stream]
    return "\n".join([plain, *(part for stream in readable for part in _said(stream, fonts))])


def _packed_objects(body: bytes, stream: bytes) -> dict[int, bytes]:
    """The objects inside an object stream (7.5.7): first their numbers and places, then they themselves."""
    start = re.search(rb"/First (\d+)", body)
    if start is None:
        return {}
    first = int(start[1])
    numbers = [int(word) for word in stream[:first].split() if word.isdigit()]
    places = [*numbers[1::2], len(stream)]
    return {
        number: stream[first + low : first + high]
        for number, low, high in zip(numbers[::2], places, places[1:], strict=False)
    }


def _unpacked(body: bytes, largest: int) -> bytes:
    found = _STREAM.search(body)
    if found is None:
        return b""
    try:
        return zlib.decompressobj().decompress(found[1], largest)
    except zlib.error:
        return found[1]


def _glyphs(cmap: bytes) -> Glyphs:
    table: dict[int, str] = {}
    for block in re.findall(rb"beginbfchar(.*?)endbfchar", cmap, re.DOTALL):
        table |= {int(code, 16): _unicode(text) for code, text in _ONE.findall(block)}
    for block in re.findall(rb"beginbfrange(.*?)endbfrange", cmap, re.DOTALL):
        for low, high, first, listed in _RANGE.findall(block):
            codes = range(int(low, 16), int(high, 16) + 1)
            if first:
                table |= {code: chr(ord(_unicode(first)[-1]) + k) for k, code in enumerate(codes)}
            else:
                texts = re.findall(rb"<([0-9A-Fa-f]+)>", listed)
                table |= {code: _unicode(text) for code, text in zip(codes, texts, strict=False)}
    return table


def _unicode(written: bytes) -> str:
    return bytes.fromhex(written.decode("ascii")).decode("utf-16-be", errors="replace") or "\ufffd"


def _said(stream: bytes, fonts: Mapping[str, Glyphs]) -> Iterator[str]:
    if stream.startswith(b"<"):
        yield stream.decode("utf-8", errors="replace")  # metadata; elsewhere numbers are places on the page
    glyphs: Glyphs = {}
    words: list[str] = []
    for font, coded, literal, move in _SHOWN.findall(stream):
        if font:
            glyphs = fonts.get(font.decode("latin-1"), {})
        elif move:
            words.append("\t")
        elif coded:
            digits = re.sub(rb"\s", b"", coded).decode("ascii")
            wide = 4 if max(glyphs, default=256) > 255 or len(digits) % 4 == 0 else 2
            codes = (int(digits[k : k + wide], 16) for k in range(0, len(digits), wide))
            words.append("".join(glyphs.get(code, "") for code in codes))
        else:
            words.append(literal.decode("latin-1"))
    # Strings of a page stand beside each other; those of a list of names and marks have nothing to do with each other.
    yield ("" if b"BT" in stream else "\t").join(words)

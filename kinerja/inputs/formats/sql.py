"""A table or query of a database -> a table of cells. Only reading: one SELECT, in a transaction that cannot write.

The password comes from an environment variable and goes to the driver alone: no message, log or manifest has it.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from kinerja.inputs.formats.table import MAXIMUM_COLUMNS, Opened, RawTable, Refuse
from kinerja.parameters import Source

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, CursorResult

CHUNK = 20_000
"""Rows fetched at once."""

_SELECT = re.compile(r"\s*(?:select|with)\b[^;]*;?\s*", re.IGNORECASE)


def open_database(source: Source, refuse: Refuse) -> Opened | None:
    """The rows of `source.table` or `source.query`; None where they cannot be read (the reason went to `refuse`).

    The order in which a server returns rows means nothing: they are sorted, and so the hash is of the content.
    """
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

    if not _allowed(source, refuse):
        return None
    try:
        with _connected(source) as connection:
            headers, rows = _read(connection, source)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        refuse("database_address", found=_shown(error, source))
        return None
    except (SQLAlchemyError, OSError) as error:
        refuse("database_error", found=_shown(error, source))
        return None
    if len(headers) > MAXIMUM_COLUMNS:
        refuse("too_many_columns", found=str(len(headers)), limit=MAXIMUM_COLUMNS)
        return None
    lines = sorted((repr(row), row) for row in rows)
    digest = hashlib.sha256(repr(headers).encode())
    for line, _ in lines:
        digest.update(line.encode())
    cells = pd.DataFrame([row for _, row in lines], columns=range(len(headers)), dtype=object)
    table = RawTable(cells=cells, rows=np.arange(2, len(cells) + 2), headers=headers)
    return Opened(sha256=digest.hexdigest(), format="sql", tables=(table,))


def sql_pieces(source: Source, refuse: Refuse, size: int) -> Iterator[RawTable]:
    """The rows of a source in pieces of at most `size`, as the server gives them: never all in memory."""
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

    if not _allowed(source, refuse):
        return
    start = 2
    try:
        with _connected(source) as connection:
            result = _result(connection, source)
            headers = tuple(result.keys())
            for chunk in result.partitions(size):
                rows = [tuple(_plain(value) for value in row) for row in chunk]
                cells = pd.DataFrame(rows, columns=range(len(headers)), dtype=object)
                yield RawTable(cells=cells, rows=np.arange(start, start + len(cells)), headers=headers)
                start += len(cells)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        refuse("database_address", found=_shown(error, source))
    except (SQLAlchemyError, OSError) as error:
        refuse("database_error", found=_shown(error, source))


def _digest_of_pieces(source: Source) -> str:
    """A hash of the rows that needs neither their order nor all of them at once: the sum of each row's own hash."""
    total, failed = 0, []
    headers: tuple[str, ...] = ()
    for piece in sql_pieces(source, lambda *_, **__: failed.append(True), CHUNK):
        headers = piece.headers or ()
        for row in piece.cells.itertuples(index=False, name=None):
            total += int.from_bytes(hashlib.sha256(repr(row).encode()).digest(), "big")
    return "" if failed else hashlib.sha256(f"{headers!r}{total % 2**256:x}".encode()).hexdigest()


def database_digest(source: Source) -> str:
    """SHA-256 of what the source returns now; empty where it cannot be read (reading says why)."""
    if source.summarise:
        return _digest_of_pieces(source)
    opened = open_database(source, lambda *_, **__: None)
    return opened.sha256 if opened is not None else ""


def _allowed(source: Source, refuse: Refuse) -> bool:
    """Only a SELECT is sent, and only where the password that the parameters speak of is set."""
    if source.query is not None and not _SELECT.fullmatch(source.query):
        refuse("query_not_select")
        return False
    if source.password_variable and not os.environ.get(source.password_variable):
        refuse("password_not_set", found=source.password_variable)
        return False
    return True


@contextmanager
def _connected(source: Source) -> Iterator[Connection]:
    from sqlalchemy import create_engine, event
    from sqlalchemy.pool import NullPool

    address = _address(source)
    engine = create_engine(address, poolclass=NullPool, hide_parameters=True)
    if address.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _only_queries)
    options: dict[str, Any] = {"stream_results": True, "max_row_buffer": CHUNK}
    if address.get_backend_name() == "postgresql":
        options |= {"postgresql_readonly": True}
    try:
        with engine.connect().execution_options(**options) as connection:
            if address.get_backend_name() in ("mysql", "mariadb"):
                connection.exec_driver_sql("SET TRANSACTION READ ONLY")
            yield connection
            connection.rollback()
    finally:
        engine.dispose()


def _address(source: Source) -> URL:
    """The address, its password put in; SQLite opens only a file that exists."""
    from sqlalchemy import make_url

    address = make_url(source.url or "")
    if source.password_variable:
        address = address.set(password=os.environ[source.password_variable])
    if address.get_backend_name() == "sqlite" and address.database:
        if not os.path.isfile(address.database):  # noqa: PTH113 - the address holds text
            raise FileNotFoundError(2, "no such file", os.path.basename(address.database))  # noqa: PTH119
        address = address.set(database=f"file:{address.database}", query={"mode": "ro", "uri": "true"})
    return address


def _only_queries(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA query_only = ON")


def _read(connection: Connection, source: Source) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    result = _result(connection, source)
    headers = tuple(result.keys())
    rows: list[tuple[Any, ...]] = []
    for chunk in result.partitions(CHUNK):
        rows += [tuple(_plain(value) for value in row) for row in chunk]
    return headers, rows


def _result(connection: Connection, source: Source) -> CursorResult[Any]:
    from sqlalchemy import text

    if source.query is not None:
        # A colon is the user's own (a cast, a time), not a parameter.
        statement = re.sub(r"(?<!:):(?=\w)", r"\:", source.query.strip().rstrip(";"))
    else:
        quote = connection.dialect.identifier_preparer.quote_identifier
        statement = f"SELECT * FROM {'.'.join(quote(part) for part in (source.table or '').split('.'))}"
    return connection.execute(text(statement))


def _plain(value: Any) -> Any:
    """Cells as a workbook has them: numbers, text, dates without a zone, None."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    if value is None or isinstance(value, (str, int, float)) or hasattr(value, "isoformat"):
        return str(value) if isinstance(value, bool) else value
    return str(value)


def _shown(error: Exception, source: Source) -> str:
    """The first line of the driver's own message, without a password, an address or the statement."""
    inner = getattr(error, "orig", None) or error
    detail = inner.args[0] if getattr(inner, "args", ()) else inner
    said = detail.get("M", "") if isinstance(detail, dict) else str(detail)
    secret = os.environ.get(source.password_variable or "", "")
    shown = said.splitlines()[0] if said else type(inner).__name__
    return (shown.replace(secret, "***") if secret else shown)[:120]

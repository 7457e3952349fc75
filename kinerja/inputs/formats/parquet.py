"""Parquet -> a plain table of cells, its columns already named."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kinerja.inputs.formats.table import MAXIMUM_COLUMNS, Opened, RawTable, Refuse
from kinerja.parameters import Source

MAXIMUM_PARQUET_CELLS = 100_000_000
"""Cells of a Parquet file that is read whole: a file of a few bytes can claim any number of equal rows."""

SUFFIXES = (".parquet", ".pq")


class Parquet:
    name = "parquet"
    suffixes = SUFFIXES

    def can_read(self, head: bytes) -> bool:
        return head.startswith(b"PAR1")

    def read(self, source: Source, content: bytes, refuse: Refuse) -> Opened | None:
        table = _table(source.path, refuse)
        return Opened(tables=(table,)) if table is not None else None


def _table(path: Path, refuse: Refuse) -> RawTable | None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
        if len(file.schema_arrow) > MAXIMUM_COLUMNS:
            refuse("too_many_columns", found=str(len(file.schema_arrow)), limit=MAXIMUM_COLUMNS)
            return None
        cells_held = file.metadata.num_rows * len(file.schema_arrow)
        if cells_held > MAXIMUM_PARQUET_CELLS:
            refuse("too_many_cells", found=str(cells_held), limit=MAXIMUM_PARQUET_CELLS)
            return None
        headers = tuple(str(name) for name in file.schema_arrow.names)
        cells = file.read().to_pandas(ignore_metadata=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        refuse("damaged_file", found=str(error).splitlines()[0][:80])
        return None
    cells.columns = range(cells.shape[1])
    return RawTable(cells=cells, rows=np.arange(2, len(cells) + 2), headers=headers)

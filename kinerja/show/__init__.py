"""How a result is shown: blocks of a section, tables (HTML, workbook, text), charts, outputs of a cell."""

"""How a result is shown: blocks of a section, tables (HTML, workbook, text), charts, what a notebook's cell puts out."""

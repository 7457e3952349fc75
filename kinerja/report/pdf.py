"""The page as a tagged PDF, from the same HTML, through WeasyPrint (an extra: it needs Pango on the system)."""

from __future__ import annotations

from pathlib import Path

from kinerja import wording
from kinerja.errors import KinerjaError
from kinerja.places import extra
from kinerja.show.charts.svg import without_variables


def write_pdf(page: str, path: Path) -> None:
    """Write the page as PDF/UA-1; the style sheet's print rules decide the layout.

    Raises
    ------
    KinerjaError : WeasyPrint is not installed, or the system lacks its libraries
    """
    try:
        from weasyprint import HTML
    except (ImportError, OSError) as error:
        found = f"{type(error).__name__}: {str(error).splitlines()[0]}"
        raise wording.refusal(
            KinerjaError, "no_weasyprint", where="output.pdf", found=found, install=extra("pdf")
        ) from error
    HTML(string=without_variables(page)).write_pdf(str(path), pdf_variant="pdf/ua-1")

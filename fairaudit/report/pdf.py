"""The report as PDF, for those who have the extra `report`."""

from __future__ import annotations

from fairaudit.exceptions import SpecError


def pdf_of(html: str) -> bytes:
    """The page set on A4; nothing is fetched while it is set.

    Raises
    ------
    SpecError
        When WeasyPrint, or a system library it needs, is not installed.
    """
    try:
        import weasyprint
    except (ImportError, OSError) as error:
        raise SpecError(
            "a PDF needs WeasyPrint and its system libraries; install them with "
            f"pip install 'fairaudit[report]', or print the HTML report ({error})"
        ) from error
    page = weasyprint.HTML(string=html, url_fetcher=_no_fetching)
    content: bytes = page.write_pdf()
    return content


def _no_fetching(url: str, *_: object, **__: object) -> dict[str, object]:
    raise ValueError(f"the report loads nothing from elsewhere, not even {url}")

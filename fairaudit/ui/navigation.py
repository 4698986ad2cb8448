"""The pages of the dashboard, in order, with the question each one answers."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from fairaudit.exceptions import SpecError
from fairaudit.text.table_rows import VIEWS


@dataclass(frozen=True)
class PageInfo:
    """One page: its file in `pages/`, its title and question, and the result tables it shows.

    A page with `needs` has nothing to show for a result that contains none of those tables.
    """

    name: str
    title: str
    icon: str
    section: str
    question: str
    needs: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        """Path of the page, relative to `app.py`."""
        return f"pages/{self.name}.py"


PAGES: tuple[PageInfo, ...] = (
    PageInfo("data", "Data", ":material/table:", "Prepare", "What is in the table?"),
    PageInfo(
        "audit",
        "Audit",
        ":material/fact_check:",
        "Prepare",
        "How do current decisions perform by group?",
    ),
    PageInfo(
        "train", "Train", ":material/model_training:", "Prepare", "Which model should be trained?"
    ),
    PageInfo(
        "jobs", "Jobs", ":material/list_alt:", "Prepare", "What is running, and what is finished?"
    ),
    PageInfo(
        "errors",
        "Errors",
        ":material/balance:",
        "Results",
        "Who is affected by errors?",
        ("errors",),
    ),
    PageInfo(
        "groups",
        "Groups",
        ":material/group_work:",
        "Results",
        "Who belongs to which latent group?",
        ("groups",),
    ),
    PageInfo(
        "selection",
        "No harm",
        ":material/rule:",
        "Results",
        "Which system, for whom?",
        ("selection", "comparisons"),
    ),
    PageInfo(
        "whatif",
        "What if",
        ":material/tune:",
        "Results",
        "What if there were more groups?",
        ("sweep",),
    ),
    PageInfo(
        "effects",
        "Effects",
        ":material/lan:",
        "Results",
        "How do the clusters differ?",
        ("effects",),
    ),
    PageInfo(
        "stress",
        "Stress",
        ":material/bolt:",
        "Results",
        "Do the results hold when the data shift?",
        tuple(VIEWS),
    ),
    PageInfo("compare", "Compare", ":material/compare_arrows:", "Results", "Which model is best?"),
    PageInfo("report", "Report", ":material/description:", "Results", "What can I share?"),
)


def page_named(name: str) -> PageInfo:
    """The page with that name.

    Raises
    ------
    SpecError
        If there is no such page.
    """
    for candidate in PAGES:
        if candidate.name == name:
            return candidate
    raise SpecError(f"unknown page '{name}'; choose one of {', '.join(p.name for p in PAGES)}")


def next_page(name: str, tables: Container[str] | None = None) -> PageInfo | None:
    """The next page, None after the last.

    Parameters
    ----------
    name : str
    tables : container of str or None
        Names of the result's tables; pages with nothing to show are skipped.
    """
    following = PAGES[PAGES.index(page_named(name)) + 1 :]
    return next((p for p in following if tables is None or has_content(p, tables)), None)


def has_content(page: PageInfo, tables: Container[str]) -> bool:
    """Whether a page has something to show for a result with these tables."""
    return not page.needs or any(table in tables for table in page.needs)

"""The walk from a table to a report: which pages there are, in which order, asking what."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from fairaudit.exceptions import SpecError
from fairaudit.text.table_rows import VIEWS


@dataclass(frozen=True)
class Step:
    """One page: its file in `pages/`, its words, and the result tables it can show.

    A page with `needs` has nothing to show where a result holds none of them.
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


WALK: tuple[Step, ...] = (
    Step("data", "Data", ":material/table:", "Prepare", "What is in the table?"),
    Step("audit", "Audit", ":material/fact_check:", "Prepare", "How do existing decisions fare?"),
    Step(
        "train", "Train", ":material/model_training:", "Prepare", "Which model should be fitted?"
    ),
    Step("jobs", "Jobs", ":material/list_alt:", "Prepare", "What is running, what is done?"),
    Step("errors", "Errors", ":material/balance:", "Results", "Who gets the errors?", ("errors",)),
    Step(
        "groups",
        "Groups",
        ":material/group_work:",
        "Results",
        "Who is in which latent group?",
        ("groups",),
    ),
    Step(
        "selection",
        "Selection",
        ":material/rule:",
        "Results",
        "Is anybody harmed?",
        ("selection",),
    ),
    Step(
        "whatif",
        "What if",
        ":material/tune:",
        "Results",
        "What if there were more groups?",
        ("sweep",),
    ),
    Step(
        "effects",
        "Effects",
        ":material/lan:",
        "Results",
        "How do the clusters differ?",
        ("effects",),
    ),
    Step(
        "stress",
        "Stress",
        ":material/bolt:",
        "Results",
        "Does it hold when the data shift?",
        tuple(VIEWS),
    ),
    Step("compare", "Compare", ":material/compare_arrows:", "Results", "Which model is best?"),
    Step("report", "Report", ":material/description:", "Results", "What do I hand over?"),
)


def step(name: str) -> Step:
    """The step of that name.

    Raises
    ------
    SpecError
        When no page has that name.
    """
    for candidate in WALK:
        if candidate.name == name:
            return candidate
    raise SpecError(f"page '{name}' is not known; choose one of {', '.join(s.name for s in WALK)}")


def after(name: str, held: Container[str] | None = None) -> Step | None:
    """The page that follows, None after the last.

    Parameters
    ----------
    name : str
    held : container of str or None
        The tables of the result that is looked at; pages with nothing to show are passed over.
    """
    following = WALK[WALK.index(step(name)) + 1 :]
    return next((s for s in following if held is None or shows(s, held)), None)


def shows(place: Step, held: Container[str]) -> bool:
    """Whether a page has something to show of a result with these tables."""
    return not place.needs or any(table in held for table in place.needs)

"""The walk from a table to a report: which pages there are, in which order, asking what."""

from __future__ import annotations

from dataclasses import dataclass

from fairaudit.exceptions import SpecError


@dataclass(frozen=True)
class Step:
    """One page: its file in `pages/`, its words, and the result table it cannot do without."""

    name: str
    title: str
    icon: str
    section: str
    question: str
    table: str | None = None

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
    Step("errors", "Errors", ":material/balance:", "Results", "Who gets the errors?", "errors"),
    Step("groups", "Groups", ":material/group_work:", "Results", "Who is in which latent group?"),
    Step("selection", "Selection", ":material/rule:", "Results", "Is anybody harmed?"),
    Step(
        "whatif",
        "What if",
        ":material/tune:",
        "Results",
        "What if there were more groups?",
        "sweep",
    ),
    Step("effects", "Effects", ":material/lan:", "Results", "How do the clusters differ?"),
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


def after(name: str) -> Step | None:
    """The page that follows, None after the last."""
    names = [s.name for s in WALK]
    place = names.index(step(name).name) + 1
    return WALK[place] if place < len(WALK) else None

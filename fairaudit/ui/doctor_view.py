"""What the doctor found, in words: problems with their remedies, and stand-ins for attributes."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
import streamlit as st

from fairaudit.data.doctor.diagnosis import Diagnosis, Problem
from fairaudit.data.roles import ColumnRoles
from fairaudit.text.quantities import count, listed
from fairaudit.ui import layout
from fairaudit.ui.overview import Overview

_SIGNS = {
    "error": ("Must be mended", "red", ":material/error:"),
    "warning": ("Look at this", "orange", ":material/warning:"),
    "note": ("Good to know", "blue", ":material/info:"),
}


def proposal(name: str, table: Overview, roles: ColumnRoles) -> str:
    """The sentence at the head of the Data page."""
    said = (
        f"**{name}** has **{count(table.rows, 'row')}** and "
        f"**{count(len(table.columns), 'column')}**."
    )
    if roles.target is not None:
        hoped = "" if roles.positive is None else f" (favourable: **{roles.positive}**)"
        said += f" The outcome looks like **{roles.target}**{hoped}."
    if roles.sensitive:
        verb = "looks" if len(roles.sensitive) == 1 else "look"
        said += f" **{listed(roles.sensitive)}** {verb} sensitive."
    if roles.predictions:
        said += f" It already holds decisions: **{listed(roles.predictions)}**."
    return said


def problems(found: Sequence[Problem]) -> None:
    """All problems at once, worst first, each with its remedy."""
    if not found:
        st.success("No problems found.", icon=":material/check_circle:")
        return
    counts = {s: sum(p.severity == s for p in found) for s in _SIGNS}
    told = [
        f"{number} {_SIGNS[severity][0].lower()}" for severity, number in counts.items() if number
    ]
    st.header(f"{count(len(found), 'finding')}: {', '.join(told)}", anchor=False)
    order = sorted(found, key=lambda p: list(_SIGNS).index(p.severity))
    worst, rest = order[:6], order[6:]
    for problem in worst:
        _problem(problem)
    if rest:
        with st.expander(f"{len(rest)} more"):
            for problem in rest:
                _problem(problem)


def _problem(problem: Problem) -> None:
    words, colour, icon = _SIGNS[problem.severity]
    sign, said = st.columns([1, 6], gap="small")
    with sign:
        st.badge(words, color=colour, icon=icon)  # type: ignore[arg-type]
    with said:
        st.markdown(f"{layout.plain(problem.text)}.  \n**→** {layout.plain(problem.remedy)}.")


def proxies(diagnosis: Diagnosis) -> None:
    """Columns that give a sensitive attribute away, strongest first."""
    table = diagnosis.proxies
    if table.is_empty():
        return
    best = table.sort("auroc", descending=True).row(0, named=True)
    layout.says(
        f"**{best['feature']}** gives **{best['sensitive']}** away best: from it alone the "
        f"attribute is guessed with an AUROC of **{best['auroc']:.2f}** (0.5 = not at all)."
    )
    st.dataframe(
        table.sort("auroc", descending=True).head(50),
        hide_index=True,
        height=min(300, 40 + 35 * min(table.height, 50)),
        column_config={
            "feature": "Column",
            "sensitive": "Sensitive attribute",
            "auroc": st.column_config.ProgressColumn(
                "AUROC of guessing it", min_value=0.5, max_value=1.0, format="%.2f"
            ),
        },
        alt="Columns that predict a sensitive attribute, with the AUROC of doing so",
    )


def reasons(diagnosis: Diagnosis) -> None:
    """Every guess with its reason and how sure the doctor is."""
    rows = [
        {"column": g.column, "part": g.part, "why": g.reason, "confidence": g.confidence}
        for g in diagnosis.guesses
    ]
    st.dataframe(
        pl.DataFrame(rows, schema=["column", "part", "why", "confidence"]),
        hide_index=True,
        column_config={
            "column": "Column",
            "part": "Proposed part",
            "why": st.column_config.TextColumn("Why", width="large"),
            "confidence": st.column_config.NumberColumn("Sure", format="percent"),
        },
        alt="The part the doctor proposes for each column, and why",
    )

"""The diagnosis of a table on screen: problems with their remedies, proxies, suggested roles."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import polars as pl
import streamlit as st

from fairaudit.data.doctor.assignment import Guess
from fairaudit.data.doctor.diagnosis import Diagnosis, OpenQuestion, Problem
from fairaudit.data.doctor.mending import with_mend, without_mend
from fairaudit.data.mends import Mend, sentence
from fairaudit.data.roles import ColumnRoles
from fairaudit.data.store import DatasetInfo
from fairaudit.text.numbers import count
from fairaudit.text.screens import data as wording
from fairaudit.ui import glossary, layout, reading_form, session
from fairaudit.ui.overview import Overview
from fairaudit.ui.roles import left_out

_SIGNS = {
    "error": ("Must be fixed", "red", ":material/error:"),
    "warning": ("Check this", "orange", ":material/warning:"),
    "note": ("Good to know", "blue", ":material/info:"),
}

_CALLED = {
    "join_labels": "Join the labels",
    "as_numbers": "Read as numbers",
    "as_years": "Read as years",
    "as_missing": "Read as missing",
    "yes_from": "Read as yes or no",
    "repeating_id": "Keep its rows together",
}


def proposal(name: str, table: Overview, roles: ColumnRoles) -> str:
    """The lead sentence of the Data page."""
    return wording.proposal(name, table.rows, len(table.columns), roles)


def changes(info: DatasetInfo, roles: ColumnRoles, used_anyway: Sequence[Guess]) -> None:
    """How the reading was changed, what was mended, which column is used anyway; with *Undo*."""
    readings = reading_form.changes(info)
    number = len(readings) + len(roles.mends) + len(used_anyway)
    if not number:
        return
    st.header(f"{count(number, 'change')}, undoable", anchor=False)
    for sentence_, options in readings:
        left, right = st.columns([1, 6], gap="small")
        left.button(
            "Undo",
            icon=":material/undo:",
            key=f"undo-reading-{hashlib.sha256(sentence_.encode()).hexdigest()[:12]}",
            on_click=reading_form.undo,
            args=(info, options),
        )
        right.markdown(layout.escaped(sentence_))
    left_out.undo_buttons(used_anyway, roles)
    for mend in roles.mends:
        left, right = st.columns([1, 6], gap="small")
        left.button(
            "Undo",
            icon=":material/undo:",
            key=f"undo-{_code(mend)}",
            on_click=_keep,
            args=(without_mend, roles, (mend,)),
        )
        right.markdown(layout.escaped(sentence(mend)))


def problems(findings: Sequence[Problem], roles: ColumnRoles) -> None:
    """All problems at once, worst first, each with its remedy and a button if it can be mended."""
    if not findings:
        st.success("No problems found.", icon=":material/check_circle:")
        return
    counts = {s: sum(p.severity == s for p in findings) for s in _SIGNS}
    severities = [
        f"{number} {_SIGNS[severity][0].lower()}" for severity, number in counts.items() if number
    ]
    st.header(f"{count(len(findings), 'finding')}: {', '.join(severities)}", anchor=False)
    order = sorted(findings, key=lambda p: list(_SIGNS).index(p.severity))
    worst, rest = order[:6], order[6:]
    for problem in worst:
        _problem(problem, roles)
    if rest:
        with st.expander(f"{len(rest)} more"):
            for problem in rest:
                _problem(problem, roles)


def _button(mend: Mend) -> str:
    """What a button does; what it leaves out is named, where the finding names several."""
    if mend.kind == "leave_out":
        return f"Leave out {layout.escaped(mend.column)}"
    return _CALLED[mend.kind]


def _problem(problem: Problem, roles: ColumnRoles) -> None:
    label, colour, icon = _SIGNS[problem.severity]
    left, right = st.columns([1, 6], gap="small")
    with left:
        st.badge(label, color=colour, icon=icon)  # type: ignore[arg-type]
    with right:
        text = problem.text[:1].upper() + problem.text[1:]
        st.markdown(f"{layout.escaped(text)}.  \n**→** {layout.escaped(problem.remedy)}.")
        if problem.mends:
            st.button(
                _button(problem.mends[0]),
                icon=":material/healing:",
                key=f"mend-{problem.code}-{_code(problem.mends[0])}",
                on_click=_keep,
                args=(with_mend, roles, problem.mends),
            )


def _keep(
    change: Callable[[ColumnRoles, Mend], ColumnRoles], roles: ColumnRoles, mends: Sequence[Mend]
) -> None:
    """Make or undo mends of the roles as they are on screen."""
    with layout.error_messages():
        for mend in mends:
            roles = change(roles, mend)
        session.keep_roles(roles)


def target_question(diagnosis: Diagnosis) -> OpenQuestion | None:
    """The question which column is the outcome, None where the doctor suggests one."""
    return next((q for q in diagnosis.to_ask if q.fact == "target"), None)


def mark(roles: ColumnRoles, used_anyway: Sequence[str], target: str | None = None) -> str:
    """A suffix of widgets' keys: widgets start anew when a button changes the roles.

    So they do when the question about the outcome is answered by a `target`.
    """
    named = (*used_anyway, *(() if target is None else (f"target {target}",)))
    columns = "".join(f"-{hashlib.sha256(c.encode()).hexdigest()[:4]}" for c in named)
    return "".join(f"-{_code(mend)[:4]}" for mend in roles.mends) + columns


def _code(mend: Mend) -> str:
    """A short name of a mend, for the key of its button."""
    return hashlib.sha256(mend.model_dump_json().encode()).hexdigest()[:12]


def reading(notes: Sequence[str]) -> None:
    """What was inferred, changed or left out when the file was read."""
    if not notes:
        return
    st.header("How the file was read", anchor=False)
    st.markdown("\n".join(f"- {layout.escaped(note)}" for note in notes))


def proxies(diagnosis: Diagnosis) -> None:
    """Columns from which a sensitive attribute can be predicted, strongest first."""
    table = diagnosis.proxies
    if table.is_empty():
        return
    best = table.sort("auroc", descending=True).row(0, named=True)
    layout.statement(wording.strongest_proxy(best))
    st.dataframe(
        table.sort("auroc", descending=True).head(50),
        hide_index=True,
        height=min(300, 40 + 35 * min(table.height, 50)),
        column_config={
            "feature": st.column_config.Column("Proxy", help=glossary.explanation("Proxy")),
            "sensitive": "Sensitive attribute",
            "auroc": st.column_config.ProgressColumn(
                "AUROC of predicting it", min_value=0.5, max_value=1.0, format="%.2f"
            ),
        },
        alt="Proxies: columns that predict a sensitive attribute, with the AUROC of each",
    )


def reasons(diagnosis: Diagnosis) -> None:
    """Every suggested role with its reason and confidence."""
    rows = [
        {"column": g.column, "part": g.part, "why": g.reason, "confidence": g.confidence}
        for g in diagnosis.guesses
    ]
    st.dataframe(
        pl.DataFrame(rows, schema=["column", "part", "why", "confidence"]),
        hide_index=True,
        column_config={
            "column": "Column",
            "part": "Suggested role",
            "why": st.column_config.TextColumn("Why", width="large"),
            "confidence": st.column_config.NumberColumn("Confidence", format="percent"),
        },
        alt="The role suggested for each column, and why",
    )

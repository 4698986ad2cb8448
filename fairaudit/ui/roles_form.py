"""Which column plays which part: the doctor's guesses as widgets, each with its reason."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

import streamlit as st

from fairaudit.data.roles import ColumnRoles, Task
from fairaudit.ui import layout
from fairaudit.ui.overview import Overview

_TASKS: dict[Task, str] = {
    "binary": "Yes or no (two values)",
    "multiclass": "One of several classes",
    "regression": "A number",
}


class RolesForm:
    """Widgets for the roles of one data set.

    Parameters
    ----------
    table : Overview
        Gives columns, values and the doctor's reasons.
    start : ColumnRoles
        What the widgets show first.
    key : str
        Prefix of the widgets' keys, one a data set.
    """

    def __init__(self, table: Overview, start: ColumnRoles, *, key: str) -> None:
        self.start = start
        self.key = key
        self.columns = list(table.columns)
        self.levels = table.levels
        self.reasons: dict[tuple[str, str], str] = {
            (g.part, g.column): g.reason for g in table.diagnosis.guesses
        }

    def draw(self, *, expert: bool) -> ColumnRoles:
        """All widgets; the roles as they stand now.

        Raises
        ------
        pydantic.ValidationError
            When one column plays two parts that exclude each other.
        """
        left, right = st.columns(2, gap="medium")
        with left:
            target = self._one("target", "Outcome", "What is decided or predicted")
            task = self._task() if target is not None else "binary"
            positive = self._positive(target) if target and task == "binary" else None
            sensitive = self._many("sensitive", "Sensitive attributes", "Who must not be harmed")
            cluster = self._one("cluster", "Cluster", "Site, school, occupation; may stay empty")
        taken = {c for c in (target, cluster) if c is not None} | set(sensitive)
        with right:
            predictions = self._many(
                "predictions", "Existing decisions or predictions", "Audited without training"
            )
            scores = self._many("scores", "Existing scores", "Higher means more positive")
            taken |= {*predictions, *scores}
            others = self._others(expert)
            taken |= {c for c in others.values() if c is not None}
            features = self._features(taken)
        return ColumnRoles(
            target=target,
            task=task,
            positive=positive,
            sensitive=tuple(sensitive),
            cluster=cluster,
            predictions=tuple(predictions),
            scores=tuple(scores),
            features=tuple(features),
            row_id=self.start.row_id,
            **others,
        )

    def _one(self, part: str, label: str, help_: str) -> str | None:
        usual = getattr(self.start, part)
        chosen = st.selectbox(
            label,
            self.columns,
            index=self.columns.index(usual) if usual in self.columns else None,
            help=help_,
            placeholder="none",
            key=f"{self.key}-{part}",
        )
        self._because(part, [] if chosen is None else [chosen])
        return chosen

    def _many(self, part: str, label: str, help_: str) -> list[str]:
        usual = [c for c in getattr(self.start, part) if c in self.columns]
        chosen = st.multiselect(
            label, self.columns, usual, help=help_, placeholder="none", key=f"{self.key}-{part}"
        )
        self._because(part, chosen)
        return chosen

    def _because(self, part: str, chosen: Sequence[str]) -> None:
        guessed = part.removesuffix("s")  # the doctor speaks of one column at a time
        known = [(c, self.reasons[guessed, c]) for c in chosen if (guessed, c) in self.reasons]
        if known:
            st.caption("  \n".join(f"**{layout.plain(c)}**: {layout.plain(r)}" for c, r in known))

    def _task(self) -> Task:
        options = list(_TASKS)
        return st.selectbox(
            "Kind of outcome",
            options,
            index=options.index(self.start.task),
            format_func=lambda task: _TASKS[cast(Task, task)],
            key=f"{self.key}-task",
        )

    def _positive(self, target: str) -> str | None:
        values = list(self.levels.get(target, ()))
        usual = self.start.positive
        chosen = st.selectbox(
            "Favourable value of the outcome",
            values,
            index=values.index(usual) if usual in values else None,
            help="The value a person hopes for; rates are counted towards it.",
            placeholder="choose one",
            key=f"{self.key}-positive-{target}",
        )
        self._because("positive", [] if chosen is None else [target])
        return chosen

    def _others(self, expert: bool) -> dict[str, Any]:
        parts = {
            "weight": ("Row weight", "How many people a row stands for"),
            "split": ("Given split", "A column that says train, validation or test"),
            "image": ("Image path", "Path of each row's image inside the ZIP"),
        }
        if expert:
            return {part: self._one(part, *words) for part, words in parts.items()}
        return {part: getattr(self.start, part) for part in parts}

    def _features(self, taken: Iterable[str]) -> list[str]:
        free = [c for c in self.columns if c not in set(taken)]
        usual = [c for c in self.start.features if c in free]
        with st.expander(f"Features a model may see ({len(usual)} of {len(free)} proposed)"):
            return st.multiselect(
                "Features",
                free,
                usual,
                key=f"{self.key}-features",
                label_visibility="collapsed",
                placeholder="none",
            )

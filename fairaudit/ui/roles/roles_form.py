"""The role of each column: the suggested roles as widgets, each with its reason."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import streamlit as st

from fairaudit.data.roles import ColumnRoles
from fairaudit.ui import layout
from fairaudit.ui.overview import Overview
from fairaudit.ui.roles.outcome_form import OutcomeAnswer


class RolesForm:
    """Widgets for the roles of one dataset.

    Parameters
    ----------
    table : Overview
        Columns, their values, and the reasons for the suggestions.
    start : ColumnRoles
        Initial values of the widgets.
    key : str
        Prefix of the widgets' keys, one per dataset.
    """

    def __init__(self, table: Overview, start: ColumnRoles, *, key: str) -> None:
        self.start = start
        self.key = key
        self.columns = list(table.columns)
        self.levels = table.levels
        self.reasons: dict[tuple[str, str], str] = {
            (g.part, g.column): g.reason for g in table.diagnosis.guesses
        }

    def draw(self, outcome: OutcomeAnswer, *, expert: bool) -> ColumnRoles:
        """Show all widgets; return the roles they hold now, with the answer about the outcome.

        Raises
        ------
        pydantic.ValidationError
            If one column has two roles that exclude each other.
        """
        left, right = st.columns(2, gap="medium")
        with left:
            sensitive = self._choose_several(
                "sensitive", "Sensitive attributes", "Groups to protect from harm"
            )
            cluster = self._one("cluster", "Cluster", "Site, school, occupation; optional")
            unit = self._one(
                "unit", "Repeating id", "Such as a patient's: rows of one stay together; optional"
            )
        taken = {c for c in (outcome.target, cluster, unit, outcome.known_for) if c is not None}
        with right:
            predictions = self._choose_several(
                "predictions", "Existing decisions or predictions", "Audited without training"
            )
            scores = self._choose_several(
                "scores", "Existing scores", "Each decides from a cut on"
            )
            taken |= {*sensitive, *predictions, *scores}
            others = self._others(expert)
            taken |= {c for c in others.values() if c is not None}
            features = self._features(taken)
        return ColumnRoles(
            target=outcome.target,
            task=outcome.task,
            positive=outcome.positive,
            meaning=outcome.meaning,
            known_for=outcome.known_for,
            sensitive=tuple(sensitive),
            cluster=cluster,
            unit=unit,
            predictions=tuple(predictions),
            scores=tuple(scores),
            features=tuple(features),
            row_id=self.start.row_id,
            **others,
        )

    def _one(self, role: str, label: str, help_: str) -> str | None:
        usual = getattr(self.start, role)
        chosen = st.selectbox(
            label,
            self.columns,
            index=self.columns.index(usual) if usual in self.columns else None,
            help=help_,
            placeholder="none",
            key=f"{self.key}-{role}",
        )
        self._show_reasons(role, [] if chosen is None else [chosen])
        return chosen

    def _choose_several(self, role: str, label: str, help_: str) -> list[str]:
        usual = [c for c in getattr(self.start, role) if c in self.columns]
        chosen = st.multiselect(
            label, self.columns, usual, help=help_, placeholder="none", key=f"{self.key}-{role}"
        )
        self._show_reasons(role, chosen)
        return chosen

    def _show_reasons(self, role: str, chosen: Sequence[str]) -> None:
        single = role.removesuffix("s")  # suggestions are made for one column at a time
        known = [(c, self.reasons[single, c]) for c in chosen if (single, c) in self.reasons]
        if known:
            st.caption(
                "  \n".join(f"**{layout.escaped(c)}**: {layout.escaped(r)}" for c, r in known)
            )

    def _others(self, expert: bool) -> dict[str, Any]:
        roles = {
            "weight": ("Row weight", "Number of people a row represents"),
            "split": ("Predefined split", "A column with the values train, validation and test"),
            "image": ("Image path", "Path of each row's image inside the ZIP"),
        }
        if expert:
            return {role: self._one(role, *labels) for role, labels in roles.items()}
        return {role: getattr(self.start, role) for role in roles}

    def _features(self, taken: Iterable[str]) -> list[str]:
        free = [c for c in self.columns if c not in set(taken)]
        usual = [c for c in self.start.features if c in free]
        with st.expander(f"Features for training ({len(usual)} of {len(free)} suggested)"):
            return st.multiselect(
                "Features",
                free,
                usual,
                key=f"{self.key}-features",
                label_visibility="collapsed",
                placeholder="none",
            )

"""Rows on which several systems answered: what a choice between them is made and checked on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairaudit.audit.tables.stored_pairs import HeldRows
from fairaudit.data.splitting import in_two
from fairaudit.inputs.group_codes import Grouping
from fairaudit.stats.paired_differences import Answers, Evidence, Metric, evidence

Int = NDArray[np.int64]
Bool = NDArray[np.bool_]


@dataclass(frozen=True)
class SystemRows:
    """Outcomes and the answers of M systems, the baseline first.

    Attributes
    ----------
    y : (n,) class codes or values
    systems : mapping of name to answers
    groups : the groups that are decided about; everyone is in one of them
    attributes : the divisions whose groups must not be harmed either, crossed in `groups`
    clusters, weight : (n,) or None
    """

    y: NDArray[Any]
    systems: Mapping[str, Answers]
    groups: Grouping
    attributes: Sequence[Grouping] = ()
    clusters: Int | None = None
    weight: NDArray[np.float64] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """All systems."""
        return tuple(self.systems)

    @property
    def baseline(self) -> Answers:
        """The answers of the first system."""
        return self.systems[self.names[0]]

    def take(self, rows: Bool) -> SystemRows:
        """Some of the rows; all groups stay in the list."""
        systems = {
            name: Answers(a.label[rows], None if a.score is None else a.score[rows])
            for name, a in self.systems.items()
        }
        return replace(
            self,
            y=self.y[rows],
            systems=systems,
            groups=replace(self.groups, codes=self.groups.codes[rows]),
            attributes=tuple(replace(a, codes=a.codes[rows]) for a in self.attributes),
            clusters=None if self.clusters is None else self.clusters[rows],
            weight=None if self.weight is None else self.weight[rows],
        )

    def in_two(self, share: float, seed: int) -> tuple[SystemRows, SystemRows]:
        """Rows that decide and rows that check (`share` of them), alike in groups and outcomes."""
        classes = np.unique(self.y)
        outcome = np.searchsorted(classes, self.y) if len(classes) <= 20 else 0 * self.groups.codes
        strata = self.groups.codes * 20 + outcome
        check = in_two(strata, share, seed, self.clusters)
        return self.take(~check), self.take(check)

    def answers(self, pick: Int) -> Answers:
        """The answers when group g gets system number pick[g]."""
        at = (pick[self.groups.codes], np.arange(len(self.y)))
        label = np.stack([a.label for a in self.systems.values()])[at]
        scores = [a.score for a in self.systems.values() if a.score is not None]
        return Answers(label, np.stack(scores)[at] if len(scores) == len(self.systems) else None)

    def against_baseline(
        self, answers: Answers, metric: Metric, groups: Grouping | None = None
    ) -> Evidence:
        """Evidence of these rows on the answers against the baseline's, by group."""
        groups = groups or self.groups
        return evidence(
            self.y, answers, self.baseline, groups.codes, len(groups.names), metric,
            self.clusters, self.weight,
        )  # fmt: skip

    def evidence(self, metric: Metric) -> list[Evidence]:
        """Each candidate against the baseline, by group."""
        return [self.against_baseline(self.systems[name], metric) for name in self.names[1:]]

    def paired(self, pick: Int) -> HeldRows:
        """The choice and the baseline as one pair, for intervals by the engine of the audit."""
        return HeldRows(
            list(self.groups.names),
            self.y,
            self.groups.codes,
            self.answers(pick),
            self.baseline,
            self.clusters,
            self.weight,
        )

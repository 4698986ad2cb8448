"""Counts of outcomes and decisions of hidden groups: they follow from nothing that is shown."""

from __future__ import annotations

import itertools

import numpy as np
import polars as pl
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

from fairaudit import AuditResult, audit_predictions
from fairaudit.stats import suppression
from fairaudit.stats.exposure import KnownSums, given_away
from tests.audit.test_suppression import _inside, _people
from tests.sizes import size

COUNTED = {"tp": (1, 1), "fp": (0, 1), "tn": (0, 0), "fn": (1, 0)}


def _audit(
    people: dict[str, np.ndarray], seed: int, least: int, rate: float, control: str | None = None
) -> AuditResult:
    """Two systems that err seldom on a rare or common outcome."""
    rng = np.random.default_rng(seed)
    n = len(next(iter(people.values())))
    y = (rng.random(n) < rate).astype(int)
    systems = {name: np.where(rng.random(n) < 0.85, y, 1 - y) for name in ("one", "two")}
    groups = {name: values for name, values in people.items() if name != control}
    return audit_predictions(
        y, systems, sensitive_features=groups, intersections=2, suppress_below=least,
        control_features=None if control is None else {control: people[control]},
        metrics=["tpr"], n_boot=0,
    )  # fmt: skip


class _Reader:
    """What a reader knows of the rows: how many there may be of each kind, y, one and two."""

    def __init__(self, result: AuditResult, people: dict[str, np.ndarray]) -> None:
        kinds = sorted(set(zip(*people.values(), strict=True)))
        self.cells = list(itertools.product((0, 1), repeat=3))
        table = result.tables["counts"].with_columns(
            pl.concat_str("attribute", pl.lit(": "), "group").alias("name")
        )
        self.member = {
            row["name"]: _inside(row["attribute"], row["group"], list(people), kinds)
            for row in table.iter_rows(named=True)
        }
        self.rows = table.to_dicts()
        self.hidden = sorted({r["name"] for r in self.rows if r["n"] is None})
        shown = [r for r in self.rows if r["n"] is not None]
        self.known = {
            (r["name"], r["model"], cell): float(r[cell]) for r in shown for cell in COUNTED
        }
        sums = [(self._of(name, model, cell), v) for (name, model, cell), v in self.known.items()]
        listed = [self._of(name) for name in self.hidden]
        self.constraints = [
            LinearConstraint(np.array([s for s, _ in sums]), *[[v for _, v in sums]] * 2),
            LinearConstraint(np.array(listed), 1, np.inf),
        ]

    def _of(self, name: str, model: str = "", cell: str = "") -> np.ndarray:
        """Which variables a count is the sum of; a size without a model."""
        which = np.array(
            [
                not cell or (y, {"one": one, "two": two}[model]) == COUNTED[cell]
                for y, one, two in self.cells
            ],
            dtype=float,
        )
        return np.outer(self.member[name], which).ravel()

    def range(self, name: str, model: str = "", cell: str = "") -> tuple[float, float]:
        """Least and largest value of a count in any table with the counts that are shown."""
        target, ends = self._of(name, model, cell), []
        for sign in (1, -1):
            solved = milp(
                sign * target, constraints=self.constraints,
                integrality=np.ones(len(target)), bounds=Bounds(0, np.inf),
            )  # fmt: skip
            assert solved.status == 0
            ends.append(sign * solved.fun)
        return ends[0], ends[1]

    def empty_around(self, name: str, model: str, cell: str) -> bool:
        """Whether a larger group that is shown has none of this count."""
        mine = self.member[name] > 0
        return any(
            value == 0 and (m, c) == (model, cell) and (self.member[other][mine] > 0).all()
            for (other, m, c), value in self.known.items()
        )

    def exposed(self) -> list[str]:
        """Hidden counts and sizes of which only one value is possible."""
        lost = [f"{n} rows" for n in self.hidden if np.ptp(self.range(n)) < 1]
        return lost + [
            f"{name} {model} {cell}"
            for name in self.hidden
            for model in ("one", "two")
            for cell in COUNTED
            if not self.empty_around(name, model, cell)
            and np.ptp(self.range(name, model, cell)) < 1
        ]


DESIGNS = [
    ((3,), 60, 0.3, 6, 0.3, None),
    ((6,), 90, 0.4, 3, 0.2, None),
    ((2, 2), 120, 0.15, 6, 0.1, None),
    ((3, 2), 150, 0.4, 3, 0.5, None),
    ((3, 2), 150, 0.4, 10, 0.05, None),
    ((3, 3), 120, 0.5, 4, 0.3, "b"),
]


@pytest.mark.parametrize(("levels", "n", "skew", "least", "rate", "control"), DESIGNS)
def test_no_hidden_count_can_be_solved_or_bounded(
    levels: tuple[int, ...], n: int, skew: float, least: int, rate: float, control: str | None
) -> None:
    hidden = 0
    for seed in range(size(2, 20)):
        people = _people(seed, n, levels, skew)
        reader = _Reader(_audit(people, seed, least, rate, control), people)
        assert not reader.exposed()
        hidden += len(reader.hidden)
    assert hidden


def test_a_pair_without_true_positives_takes_a_third_group_with_it() -> None:
    group = np.repeat(["a", "b", "c", "d"], [80, 30, 6, 4])
    y = np.r_[np.tile([0, 1], 55), np.zeros(10, dtype=int)]
    result = audit_predictions(
        y, np.tile([0, 0, 1, 1], 30), sensitive_features={"g": group}, suppress_below=5, n_boot=0
    )
    counts = result.tables["counts"].filter(pl.col("attribute") == "g")
    assert set(counts.filter(pl.col("n").is_null())["group"]) == {"b", "c", "d"}


def test_groups_of_one_row_each_are_not_given_away_by_their_number() -> None:
    group = np.repeat(["a", "b", "c", "d"], [40, 20, 1, 1])
    y = np.tile([0, 1], 31)
    result = audit_predictions(
        y, y, sensitive_features={"g": group}, suppress_below=2, metrics=["selection_rate"]
    )
    hidden = result.errors.filter(pl.col("status") == "suppressed")["group"]
    assert set(hidden) == {"b", "c", "d"}


def test_a_count_that_is_zero_in_a_larger_group_is_no_reason_to_hide_more() -> None:
    group = np.repeat(["a", "b", "c"], [60, 12, 8])
    y = np.tile([0, 1], 40)
    result = audit_predictions(y, y, sensitive_features={"g": group}, suppress_below=10)
    counts = result.tables["counts"].filter(pl.col("attribute") == "g")
    assert counts["n"].null_count() == 2  # nobody is a false positive, which all rows tell


def test_whole_tables_keep_no_count_of_their_hidden_groups_at_zero(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(suppression, "LARGEST", 1)
    group = np.repeat(["a", "b", "c", "d"], [80, 30, 6, 4])
    y = np.r_[np.tile([0, 1], 55), np.zeros(10, dtype=int)]
    result = audit_predictions(
        y, np.tile([0, 0, 1, 1], 30), sensitive_features={"g": group}, suppress_below=5, n_boot=0
    )
    hidden = result.errors.filter(pl.col("status") == "suppressed")["group"]
    assert set(hidden) == {"b", "c", "d"}


def test_weights_do_not_hide_that_a_sum_follows() -> None:
    atoms = np.eye(3, dtype=bool)
    shown = np.array([[1, 1, 1], [1, 0, 0], [0, 1, 0]], dtype=bool)
    sums = KnownSums(shown, np.array([3.7, 1.2, 2.1]), atoms[2:])
    assert given_away(sums).all()
    hidden_two = KnownSums(shown[:2], np.array([3.7, 1.2]), atoms[1:])
    assert not given_away(hidden_two).any()

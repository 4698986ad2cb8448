"""Hidden groups: their sizes follow from nothing that is shown."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

from fairaudit import AuditResult, AuditSpec, ColumnRoles, Dataset, audit_predictions, run_audit
from fairaudit.inputs.labels import CROSS, cell_name
from fairaudit.report import folder as report
from fairaudit.stats import suppression
from tests.sizes import size

LEAST = 6
RATES = ["selection_rate", "tpr"]


def _people(seed: int, n: int, levels: tuple[int, ...], skew: float) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    people = {}
    for name, k in zip("abc", levels, strict=False):
        share = skew ** np.arange(k)
        people[name] = np.array([f"{name}{i}" for i in range(k)])[
            rng.choice(k, n, p=share / share.sum())
        ]
    return people


def _audit(
    people: dict[str, np.ndarray], depth: int = 2, control: str | None = None, **more: object
) -> AuditResult:
    n = len(next(iter(people.values())))
    rng = np.random.default_rng(n)
    groups = {name: values for name, values in people.items() if name != control}
    return audit_predictions(
        rng.integers(0, 2, n),
        rng.integers(0, 2, n),
        sensitive_features=groups,
        control_features=None if control is None else {control: people[control]},
        intersections=depth,
        suppress_below=LEAST,
        metrics=RATES,
        **more,  # type: ignore[arg-type]
    )


def _cells(people: dict[str, np.ndarray]) -> tuple[list[tuple[str, ...]], np.ndarray]:
    """Combinations of all attributes that could occur, and how many rows have each."""
    rows = list(zip(*people.values(), strict=True))
    kinds = sorted(set(rows))
    return kinds, np.array([rows.count(kind) for kind in kinds], dtype=float)


def _inside(
    attribute: str, group: str, names: list[str], kinds: list[tuple[str, ...]]
) -> np.ndarray:
    base, _, condition = attribute.partition(" | ")
    if base == "all":
        return np.ones(len(kinds))
    parts = [names.index(part) for part in base.split(CROSS)]
    wanted = [part.split("=") for part in condition.split(", ") if part]
    return np.array(
        [
            cell_name([kind[p] for p in parts]) == group
            and all(kind[names.index(column)] == level for column, level in wanted)
            for kind in kinds
        ],
        dtype=float,
    )


def _range(
    target: np.ndarray, shown: np.ndarray, counts: np.ndarray, listed: np.ndarray
) -> tuple[float, float]:
    """Least and largest size of a group in any table with the counts that are shown.

    Every hidden group that is listed has at least one row, which is known too.
    """
    given = LinearConstraint(shown, counts, counts)
    present = LinearConstraint(listed, 1, np.inf)
    ends = []
    for sign in (1, -1):
        solved = milp(
            sign * target,
            constraints=[given, present],
            integrality=np.ones(len(target)),
            bounds=Bounds(0, np.inf),
        )
        assert solved.status == 0
        ends.append(sign * solved.fun)
    return ends[0], ends[1]


def _exposed(result: AuditResult, people: dict[str, np.ndarray]) -> tuple[list[str], int]:
    """Hidden groups of which only one size is possible, and the number of hidden groups."""
    kinds, _ = _cells(people)
    table = result.errors.filter(pl.col("metric") == "selection_rate")
    member = np.array(
        [
            _inside(row["attribute"], row["group"], list(people), kinds)
            for row in table.iter_rows(named=True)
        ]
    )
    hidden = table["n"].is_null().to_numpy()
    counts = table["n"].drop_nulls().to_numpy().astype(float)
    lost = []
    for i in np.flatnonzero(hidden):
        low, high = _range(member[i], member[~hidden], counts, member[hidden])
        if high - low < 1:
            lost.append(f"{table['attribute'][int(i)]}: {table['group'][int(i)]}")
    return lost, int(hidden.sum())


DESIGNS = [
    ((3,), 60, 0.3, 1, None),
    ((4,), 40, 0.5, 1, None),
    ((2, 2), 50, 0.3, 2, None),
    ((3, 2), 80, 0.4, 2, None),
    ((3, 3), 200, 0.5, 2, None),
    ((2, 2, 2), 90, 0.4, 3, None),
    ((3, 2, 2), 120, 0.5, 2, None),
    ((3, 3), 120, 0.5, 1, "b"),
]


@pytest.mark.parametrize(("levels", "n", "skew", "depth", "control"), DESIGNS)
def test_no_hidden_size_can_be_solved_or_bounded(
    levels: tuple[int, ...], n: int, skew: float, depth: int, control: str | None
) -> None:
    hidden = 0
    for seed in range(size(3, 25)):
        people = _people(seed, n, levels, skew)
        lost, count = _exposed(_audit(people, depth, control), people)
        assert not lost
        hidden += count
    assert hidden


@pytest.mark.parametrize("few", [1, 3, 5])
def test_one_small_group_takes_another_with_it(few: int) -> None:
    people = {"a": np.repeat(["large", "middle", "few"], [60, 20, few])}
    result = _audit(people, 1)
    hidden = result.errors.filter(pl.col("status") == "suppressed")["group"].unique().to_list()
    assert sorted(hidden) == ["few", "middle"]
    for name in ("errors", "counts"):
        mine = result.tables[name].filter(pl.col("group").is_in(["few", "middle"]))
        assert mine["n"].null_count() == len(mine)
    for name in ("pairs", "detectable"):
        assert not set(result.tables[name]["group"]) & {"few", "middle"}


def test_small_groups_that_together_are_few_take_a_third_with_them() -> None:
    people = {"a": np.repeat(["x", "y", "one", "other"], [50, 30, 1, 1])}
    table = _audit(people, 1).errors
    assert set(table.filter(pl.col("status") == "suppressed")["group"]) == {"one", "other", "y"}


def test_without_small_groups_nothing_is_hidden() -> None:
    people = _people(1, 300, (2, 2), 0.9)
    assert "suppressed" not in set(_audit(people).errors["status"])


def test_many_groups_hide_whole_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suppression, "LARGEST", 1)
    for seed in range(3):
        people = _people(seed, 150, (3, 3), 0.5)
        table = _audit(people).errors
        crossed = table.filter(pl.col("attribute") == f"a{CROSS}b")
        assert set(crossed["status"]) == {"suppressed"}
        for name in "ab":
            mine = table.filter((pl.col("attribute") == name) & (pl.col("metric") == "tpr"))
            gone = mine.filter(pl.col("status") == "suppressed").height
            assert gone != 1


def _records(value: object) -> list[dict[str, object]]:
    """All records with a group, anywhere in a JSON document."""
    if isinstance(value, dict):
        mine = [value] if "group" in value else []
        return mine + [record for part in value.values() for record in _records(part)]
    return [r for part in value for r in _records(part)] if isinstance(value, list) else []


def test_no_file_of_a_report_shows_a_hidden_group(tmp_path: Path) -> None:
    people = {"a": np.repeat(["large", "middle", "few"], [173, 41, 4])}
    result = _audit(people, 1, keep_rows=True)
    written = report.write(result, tmp_path, title="Audit")
    assert not {"predictions", "people"} & {path.stem for path in written}
    records = _records(json.loads((tmp_path / "report.json").read_text("utf-8")))
    for path in written:
        if path.suffix == ".parquet":
            records += pl.read_parquet(path).to_dicts()
    hidden = [r for r in records if r.get("group") in ("few", "middle")]
    assert hidden
    for record in hidden:
        numbers = [v for v in record.values() if isinstance(v, (int, float))]
        assert not numbers
    for name in ("report.html", "model_card.md"):
        text = (tmp_path / name).read_text("utf-8")
        assert not re.search(r"(>|\| *|n = |of )(41|4|45)( rows|</|\s*\|)", text)


ROWS = {"predictions", "people", "row_weights"}  # never part of a report; see docs/statistics.md
NAMING = ("group", "reference", "level", "category")


def _shown_of_hidden(result: AuditResult) -> list[tuple[str, dict[str, object]]]:
    """Every row of every table that has a number beside a suppressed group."""
    errors = result.errors.filter(pl.col("status") == "suppressed")
    hidden = set(errors.select("attribute", "group").unique().iter_rows())
    assert hidden
    found = []
    for name, table in result.tables.items():
        naming = [c for c in NAMING if c in table.columns]
        for row in table.iter_rows(named=True) if name not in ROWS and naming else ():
            attribute = row.get("attribute")
            mine = any(
                (attribute, row[c]) in hidden
                if attribute is not None
                else row[c] in {group for _, group in hidden}
                for c in naming
            )
            numbers = [v for v in row.values() if isinstance(v, (int, float))]
            if mine and any(v is not None and not isinstance(v, bool) for v in numbers):
                found.append((name, row))
    return found


def test_no_table_has_a_number_beside_a_hidden_group() -> None:
    people = _people(5, 900, (5, 2), 0.6)
    rng = np.random.default_rng(1)
    y, score = rng.integers(0, 2, 900), rng.random(900)
    result = audit_predictions(
        y, {"one": rng.integers(0, 2, 900), "two": rng.integers(0, 2, 900)},
        y_score={"one": score, "two": 1 - score},
        sensitive_features={"a": people["a"]}, control_features={"b": people["b"]},
        suppress_below=40, margin=0.1, primary=("tpr", "a"), n_boot=20,
    )  # fmt: skip
    assert {"calibration_tests", "multicalibration", "conditional", "equivalence", "roc"} <= set(
        result.tables
    )
    assert _shown_of_hidden(result) == []
    cells = result.tables["multicalibration"]
    assert (cells["n"] >= 40).all()


def test_no_table_has_a_number_beside_a_hidden_group_where_outcomes_are_partly_known() -> None:
    people = _people(6, 300, (4,), 0.35)
    rng = np.random.default_rng(2)
    result = audit_predictions(
        rng.integers(0, 2, 300), rng.integers(0, 2, 300), sensitive_features=people,
        known_for=rng.integers(0, 2, 300), suppress_below=30,
    )  # fmt: skip
    assert "bounds" in result.tables
    assert _shown_of_hidden(result) == []


RULES = ("four-fifths", "two-standard-deviations", "fair-cross-section", "idea-risk-ratio",
         "eu-ai-act", "model-card")  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_shows_no_hidden_group(rule: str) -> None:
    rng = np.random.default_rng(3)
    group = np.repeat(["large", "other", "middle", "few"], [200, 120, 60, 7])
    n = len(group)
    frame = pl.DataFrame(
        {
            "y": rng.choice(["no", "yes"], n),
            "system": rng.choice(["no", "yes"], n),
            "race": group,
            "sex": rng.choice(["f", "m"], n),
            "x": rng.random(n),
        }
    )
    roles = ColumnRoles.model_validate(
        {
            "target": "y", "positive": "yes", "meaning": "good", "features": ("x",),
            "predictions": ("system",), "sensitive": ("race", "sex"),
        }
    )  # fmt: skip
    spec = AuditSpec(
        roles=roles, kind="predictions", suppress_below=20, preset=rule, n_boot=0, intersections=1
    )
    result = run_audit(Dataset(frame, roles), spec)
    assert _shown_of_hidden(result) == []
    assert "overlap" not in result.tables or len(result.tables["overlap"])
    said = " ".join(result.summary["preset"]["sentences"])
    assert "Groups are suppressed in this audit" in said
    assert "few" not in re.sub(r"left out because they show them: [^.]*\.", "", said).split()
    shown = spec.model_copy(update={"suppress_below": 0})
    whole = run_audit(Dataset(frame, roles), shown).summary["preset"]["sentences"]
    assert not any("suppressed in this audit" in s for s in whole)

"""Counting where the data lie gives the numbers of the local engine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from fairaudit import AuditResult, ColumnRoles, audit_predictions
from fairaudit.audit.database import pushdown
from fairaudit.audit.database.pushdown import audit_table
from fairaudit.audit.database.sql import address, hidden
from fairaudit.audit.run import run_audit
from fairaudit.audit.spec import AuditSpec
from fairaudit.data.dataset import Dataset
from fairaudit.exceptions import InputError, SpecError
from fairaudit.report.page import in_short
from fairaudit.report.sections import sections
from fairaudit.text.sentences.warnings import warning_sentences

ROLES = ColumnRoles(
    target="y", sensitive=("sex", "race"), predictions=("a", "b"), scores=("sa", "sb")
)


def _table(n: int = 3000) -> pl.DataFrame:
    rng = np.random.default_rng(7)
    y = rng.integers(0, 2, n)
    sa = np.round(np.clip(rng.normal(0.35 + 0.3 * y, 0.2), 0, 1), 2)
    sb = np.round(np.clip(rng.normal(0.4 + 0.2 * y, 0.2), 0, 1), 2)
    sex = rng.choice(["f", "m"], n).tolist()
    sex[5] = None
    return pl.DataFrame(
        {
            "y": y,
            "a": (sa >= 0.5).astype(int),
            "b": (sb >= 0.5).astype(int),
            "sa": sa,
            "sb": sb,
            "sex": pl.Series(sex, dtype=pl.String),
            "race": rng.choice(["u", "v", "w"], n),
            "site": rng.integers(0, 30, n),
            "w": rng.integers(1, 4, n).astype(float),
        }
    )


def _local(frame: pl.DataFrame, **options: object) -> AuditResult:
    return audit_predictions(
        frame["y"],
        {"a": frame["a"], "b": frame["b"]},
        y_score={"a": frame["sa"], "b": frame["sb"]},
        sensitive_features=frame.select("sex", "race"),
        intersections=2,
        n_boot=300,
        **{"split": "all", **options},
    )


def _same(here: AuditResult, there: AuditResult) -> None:
    assert set(here.tables) == set(there.tables)
    for name in here.tables:
        assert_frame_equal(here.tables[name], there.tables[name], rel_tol=1e-9, abs_tol=1e-9)


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    return _table()


@pytest.fixture(scope="module")
def here(frame: pl.DataFrame) -> AuditResult:
    """The audit of the local engine."""
    return _local(frame)


def test_streamed_parquet_equals_the_local_engine(
    frame: pl.DataFrame, here: AuditResult, tmp_path: Path
) -> None:
    frame.write_parquet(tmp_path / "t.parquet")
    there = audit_table(
        tmp_path / "t.parquet", ROLES, intersections=2, n_boot=300, confidence=0.95
    )
    _same(here, there)
    assert there.summary["n"] == len(frame)


def test_a_lazy_frame_with_weights_and_clusters_equals_the_local_engine(
    frame: pl.DataFrame,
) -> None:
    roles = ROLES.model_copy(update={"weight": "w", "cluster": "site"})
    there = audit_table(frame.lazy(), roles, intersections=2, n_boot=300, confidence=0.95)
    _same(_local(frame, sample_weight=frame["w"], clusters=frame["site"]), there)


def test_duckdb_equals_the_local_engine(
    frame: pl.DataFrame, here: AuditResult, tmp_path: Path
) -> None:
    duckdb = pytest.importorskip("duckdb")
    path = tmp_path / "file.db"
    with duckdb.connect(path) as connection:
        connection.register("rows", frame.to_arrow())
        connection.execute("CREATE TABLE people AS SELECT * FROM rows")
    source = f"duckdb:///{path}::people"
    _same(here, audit_table(source, ROLES, intersections=2, n_boot=300, confidence=0.95))
    with pytest.raises(InputError, match="no table 'nobody'"):
        audit_table(f"duckdb:///{path}::nobody", ROLES, confidence=0.95)


def test_postgresql_equals_the_local_engine(
    frame: pl.DataFrame, here: AuditResult, postgres: str
) -> None:
    pytest.importorskip("ibis")
    psycopg = pytest.importorskip("psycopg")
    with psycopg.connect(postgres) as connection:
        connection.execute(
            "CREATE TABLE people (y integer, a integer, b integer, sa double precision, "
            "sb double precision, sex text, race text, site integer, w double precision)"
        )
        with connection.cursor().copy("COPY people FROM STDIN") as rows:
            for row in frame.iter_rows():
                rows.write_row(row)
    with pytest.raises(InputError, match="no table 'nobody'"):
        audit_table(f"{postgres}::nobody", ROLES, confidence=0.95)
    there = audit_table(
        f"{postgres}::public.people", ROLES, intersections=2, n_boot=300, confidence=0.95
    )
    _same(here, there)


def test_numbers_are_cut_at_the_quartiles_of_the_rows() -> None:
    rng = np.random.default_rng(1)
    age = rng.integers(18, 80, 2000)
    frame = pl.DataFrame(
        {"y": rng.integers(0, 2, 2000), "p": rng.integers(0, 2, 2000), "age": age}
    )
    roles = ColumnRoles(target="y", predictions=("p",), sensitive=("age",))
    errors = audit_table(frame.lazy(), roles, n_boot=0, confidence=0.95).errors
    sizes = errors.filter((pl.col("attribute") == "age") & (pl.col("metric") == "accuracy"))["n"]
    assert len(sizes) == 4
    assert sizes.sum() == 2000
    assert sizes.min() > 400
    cut = int(np.quantile(age, 0.25, method="inverted_cdf"))
    assert f"≤ {cut}" in errors["group"].to_list()


def test_many_distinct_scores_are_rounded_and_said_so() -> None:
    rng = np.random.default_rng(2)
    n = 6000
    y = rng.integers(0, 2, n)
    frame = pl.DataFrame(
        {"y": y, "s": rng.random(n) * 0.5 + 0.5 * y, "g": rng.choice(["a", "b"], n)}
    )
    roles = ColumnRoles(target="y", scores=("s",), sensitive=("g",))
    there = audit_table(frame.lazy(), roles, n_boot=0, confidence=0.95)
    assert "rounded to 3 digits" in warning_sentences(there.summary["warnings"])[0]
    here = audit_predictions(
        frame["y"], None, y_score=frame["s"], sensitive_features=frame.select("g"), n_boot=0
    )

    def area(r: AuditResult) -> list[float]:
        return r.errors.filter(pl.col("metric") == "auroc")["value"].to_list()

    assert np.abs(np.subtract(area(here), area(there))).max() < 1e-3


def test_missing_labels_are_named() -> None:
    frame = pl.DataFrame({"y": [1, None, 0], "p": [1, 0, 0], "g": ["a", "b", "a"]})
    roles = ColumnRoles(target="y", predictions=("p",), sensitive=("g",))
    with pytest.raises(InputError, match="column 'y' is missing in 1 rows"):
        audit_table(frame.lazy(), roles, confidence=0.95)


def test_a_missing_column_is_named() -> None:
    frame = pl.DataFrame({"y": [1, 0], "g": ["a", "b"]})
    roles = ColumnRoles(target="y", predictions=("p",), sensitive=("g",))
    with pytest.raises(SpecError, match="column 'p' is not in"):
        audit_table(frame.lazy(), roles, confidence=0.95)


def test_addresses_are_read_and_passwords_hidden() -> None:
    assert address("duckdb:///f.db::t") == ("duckdb:///f.db", "t")
    with pytest.raises(SpecError, match="names no table"):
        address("duckdb:///f.db")
    assert hidden("postgresql://me:secret@host/db::t") == "postgresql://me@host/db::t"


def test_a_database_that_does_not_answer_is_named_without_its_password() -> None:
    pytest.importorskip("ibis")
    with pytest.raises(InputError, match="cannot be opened") as caught:
        audit_table("postgresql://me:secret@127.0.0.1:9/none::t", ROLES, confidence=0.95)
    assert "secret" not in str(caught.value)


def test_a_missing_duckdb_file_is_named() -> None:
    pytest.importorskip("ibis")
    with pytest.raises(InputError, match="does not exist"):
        audit_table("duckdb:///nowhere.db::t", ROLES, confidence=0.95)


ODD = ('a"b; DROP TABLE people --', "times", "0")


def _odd(n: int = 400) -> pl.DataFrame:
    """Names that SQL, Ibis or the count itself could take for something else."""
    rng = np.random.default_rng(3)
    sites = rng.integers(0, 12, n).tolist()
    sites[7] = None
    return pl.DataFrame(
        {
            "y": rng.choice(["denied", "approved"], n),
            "p": rng.integers(0, 2, n),
            **{name: rng.choice(["q", "r"], n) for name in ODD},
            "site": sites,
        }
    )


def _local_run(frame: pl.DataFrame, roles: ColumnRoles) -> AuditResult:
    spec = AuditSpec(roles=roles, kind="predictions", intersections=2)
    return run_audit(Dataset(frame, roles), spec)


def _equal_tables(here: AuditResult, there: AuditResult) -> None:
    for name, table in there.tables.items():
        assert_frame_equal(here.tables[name], table, rel_tol=1e-9, abs_tol=1e-9)


ODD_ROLES = ColumnRoles(target="y", predictions=("p",), sensitive=ODD, cluster="site")


def test_odd_names_guessed_labels_and_missing_clusters_are_those_of_the_local_engine() -> None:
    frame = _odd()
    there = audit_table(frame.lazy(), ODD_ROLES, intersections=2, split="all", confidence=0.95)
    assert there.summary["classes"] == ["denied", "approved"]
    _equal_tables(_local_run(frame, ODD_ROLES), there)


def test_odd_names_are_names_in_duckdb_too(tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    frame, path = _odd(), tmp_path / "odd.db"
    with duckdb.connect(path) as connection:
        connection.register("rows", frame.to_arrow())
        connection.execute("""CREATE TABLE "it's; ""odd"".x" AS SELECT * FROM rows""")
    source = f"""duckdb:///{path}::it's; "odd".x"""
    there = audit_table(source, ODD_ROLES, intersections=2, split="all", confidence=0.95)
    _equal_tables(_local_run(frame, ODD_ROLES), there)
    with pytest.raises(InputError, match="no table"):
        audit_table(f"duckdb:///{path}::nowhere.people", ODD_ROLES, confidence=0.95)


def test_odd_names_are_names_in_postgresql_too(postgres: str) -> None:
    pytest.importorskip("ibis")
    psycopg = pytest.importorskip("psycopg")
    frame = _odd()
    names = ", ".join('"' + c.replace('"', '""') + '" text' for c in ODD)
    with psycopg.connect(postgres) as connection:
        connection.execute('CREATE SCHEMA "my schema"')
        connection.execute(
            f'CREATE TABLE "my schema"."odd one" (y text, p integer, {names}, site integer)'
        )
        with connection.cursor().copy('COPY "my schema"."odd one" FROM STDIN') as rows:
            for row in frame.iter_rows():
                rows.write_row(row)
        connection.execute("CREATE ROLE guest LOGIN")
    there = audit_table(
        f"{postgres}::my schema.odd one", ODD_ROLES, intersections=2, split="all", confidence=0.95
    )
    _equal_tables(_local_run(frame, ODD_ROLES), there)
    guest = postgres.replace("auditor@", "guest@")
    with pytest.raises(InputError, match=r"permission denied|no table"):
        audit_table(f"{guest}::my schema.odd one", ODD_ROLES, confidence=0.95)
    with pytest.raises(InputError, match="no table"):
        audit_table(f"{postgres}::nowhere.people", ODD_ROLES, confidence=0.95)


def test_numbers_are_cut_as_in_the_local_engine() -> None:
    rng = np.random.default_rng(1)
    most = np.where(rng.random(900) < 0.8, 80.5, np.round(50 * rng.random(900), 1))
    age = pl.Series(
        [None if i % 9 == 0 else int(v) for i, v in enumerate(rng.integers(18, 90, 900))]
    )
    frame = pl.DataFrame({"y": _odd(900)["p"], "p": rng.integers(0, 2, 900), "a": age, "b": most})
    roles = ColumnRoles(target="y", predictions=("p",), sensitive=("a", "b"))
    there = audit_table(frame.lazy(), roles, intersections=2, split="all", confidence=0.95)
    _equal_tables(_local_run(frame, roles), there)


@pytest.mark.parametrize("hole", [None, float("nan"), float("inf")])
def test_missing_scores_and_weights_are_named(hole: float | None) -> None:
    for column in ("s", "w"):
        frame = pl.DataFrame(
            {"y": [1, 0, 0], "s": [0.2, 0.3, 0.4], "w": [1.0] * 3, "g": ["a"] * 3}
        )
        frame = frame.with_columns(pl.Series(column, [hole, 0.5, 0.5], dtype=pl.Float64))
        roles = ColumnRoles(target="y", scores=("s",), sensitive=("g",), weight="w")
        with pytest.raises(InputError, match=f"column '{column}' is missing in 1 rows"):
            audit_table(frame.lazy(), roles, confidence=0.95)


def test_a_file_whose_rows_differ_is_named(tmp_path: Path) -> None:
    rows = "\n".join(["y,p,g", *(["1,0,a"] * 300), "oops,0,a"])
    (tmp_path / "t.csv").write_text(rows)
    roles = ColumnRoles(target="y", predictions=("p",), sensitive=("g",))
    with pytest.raises(InputError, match=r"'t\.csv' cannot be read"):
        audit_table(tmp_path / "t.csv", roles, confidence=0.95)


def test_more_combinations_than_counts_should_be_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pushdown, "MAX_COUNTED", 3)
    with pytest.raises(InputError, match="more than 3 different combinations"):
        audit_table(_table(50).lazy(), ROLES, confidence=0.95)


def test_rows_of_a_database_are_all_rows_since_nothing_is_trained() -> None:
    rng = np.random.default_rng(4)
    frame = pl.DataFrame({"y": rng.integers(0, 2, 300), "p": rng.integers(0, 2, 300),
        "g": rng.choice(["a", "b"], 300)})  # fmt: skip
    roles = ColumnRoles(target="y", predictions=("p",), sensitive=("g",))
    result = audit_table(frame.lazy(), roles, n_boot=0, confidence=0.95)
    assert set(result.errors["split"]) == {"all"}
    said = " ".join(in_short(result, sections(result)))
    assert "test rows" not in said.lower()

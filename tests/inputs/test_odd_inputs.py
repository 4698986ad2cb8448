"""Things that are no data, or odd data: read, or refused by the name of the argument."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from pydantic import ValidationError

from fairaudit import audit_predictions, choose_no_harm
from fairaudit.audit.spec import AuditSpec
from fairaudit.data.roles import ColumnRoles
from fairaudit.exceptions import FairauditError, InputError, SpecError
from fairaudit.inputs.features import read_features
from fairaudit.inputs.read import read_columns, read_numbers
from fairaudit.inputs.target import read_target
from fairaudit.methods.no_harm_table import ChoiceRules
from tests.inputs.doors import BAND, GROUPED, MAKERS, SEX, N, X, Y, fitted, usual

P = np.roll(Y, 5)
G = np.array(["a", "b"] * 24)
HALF = "\ud800"
FRAME = pd.DataFrame({"a": G, "b": Y})
DAYS = pd.date_range("2020-01-01", periods=N)


class Broken:
    """What looks like an array and is none."""

    def __array__(self, *args: Any, **options: Any) -> Any:
        raise RuntimeError("no values\nat all")


NO_DATA: dict[str, tuple[Callable[[], Any], str]] = {
    "generator": (lambda: (v for v in G), "got one generator"),
    "iterator": (lambda: iter(G), "got one iterator"),
    "set": (lambda: set(range(N)), "got one set"),
    "expression": (lambda: pl.col("a"), "got one Expr"),
    "text": (lambda: "abc", "got one str"),
    "number": (lambda: 3, "got one int"),
    "module": (lambda: np, "got one module"),
    "type": (lambda: dict, "got one type"),
    "pandas groups": (lambda: FRAME.groupby("a"), "got one DataFrameGroupBy"),
    "pandas column of groups": (lambda: FRAME.groupby("a")["b"], "got one SeriesGroupBy"),
    "polars groups": (lambda: pl.DataFrame({"a": G}).group_by("a"), "got one GroupBy"),
    "Arrow schema": (lambda: pa.schema([("a", pa.int64())]), "got one Schema"),
    "broken array": (Broken, r"a Broken that numpy cannot read \(no values\)"),
    "sparse tensor": (
        lambda: torch.eye(N).to_sparse(),
        r"expected a dense array, got a sparse tensor; call to_dense\(\)",
    ),
    "list of sparse tensors": (lambda: [torch.ones(2).to_sparse()] * N, "a sparse tensor"),
    "tensor without data": (lambda: torch.ones(N, device="meta"), "expected a dense array, got"),
    "lazy frame": (
        lambda: pl.LazyFrame({"a": G}).select("zz"),
        r'got a plan that fails \(unable to find column "zz"; valid columns: \["a"\]\)',
    ),
    "lazy file": (lambda: pl.scan_parquet("/nowhere.parquet"), "got a plan that fails"),
    "Arrow intervals": (
        lambda: pa.array([(1, 2, 3)] * N, pa.month_day_nano_interval()),
        "got Arrow data of type month_day_nano_interval",
    ),
    "Arrow columns of one name": (
        lambda: pa.table([pa.array(Y), pa.array(Y)], names=["a", "a"]),
        "expected one column per name, got two columns 'a'",
    ),
    "dicts among values": (lambda: [{"a": 1}, *G[1:]], "got a dict in a row"),
    "objects": (lambda: pl.Series([object()] * N, dtype=pl.Object), "expected .*, got"),
    "half a name": (lambda: {HALF: G}, "expected text in Unicode, got half a character"),
}
READERS: dict[str, Callable[[Any], Any]] = {
    "columns": lambda value: read_columns(value, "what"),
    "numbers": lambda value: read_numbers(value, "what"),
    "target": lambda value: read_target(value, "what"),
    "features": read_features,
}
ARGUMENTS = ("groups", "y", "p", "y_score", "sample_weight", "clusters", "control_features")


def _audit(y: Any = Y, p: Any = P, groups: Any = G, **options: Any) -> Any:
    return audit_predictions(y, p, sensitive_features=groups, **{"n_boot": 0, **options})


@pytest.mark.parametrize("case", NO_DATA)
@pytest.mark.parametrize("reader", READERS)
def test_what_is_no_data_is_refused_by_every_reader(reader: str, case: str) -> None:
    make, says = NO_DATA[case]
    with pytest.raises(InputError, match=says):
        READERS[reader](make())


@pytest.mark.parametrize("argument", ARGUMENTS)
@pytest.mark.parametrize("case", NO_DATA)
def test_what_is_no_data_is_refused_by_every_argument(case: str, argument: str) -> None:
    with pytest.raises(InputError, match=r"expected .*, got .*; "):
        _audit(**{argument: NO_DATA[case][0]()})


# -- odd values ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [pl.Int128, pl.UInt128], ids=str)
def test_whole_numbers_of_128_bits_are_read(kind: Any) -> None:
    small = pl.Series([1, 2, None, 2], dtype=kind)
    assert read_columns(small, "a").text().tolist() == ["1", "2", "(missing)", "2"]
    large = pl.Series([2**100, 2**100 + 1, 3, 3], dtype=kind)
    names = [str(2**100), str(2**100 + 1), "3", "3"]
    assert read_columns(large, "a").text().tolist() == names
    assert read_columns(pl.DataFrame({"a": large}), "a").text().tolist() == names
    assert read_numbers(large, "a").tolist() == [2.0**100, 2.0**100, 3.0, 3.0]
    assert read_target(pl.Series([1, 2, 1], dtype=kind)).tolist() == [1, 2, 1]
    assert read_features(pl.DataFrame({"a": large})).dtypes == [pl.Float64]
    audit = _audit(pl.Series(Y).cast(kind), groups=pl.Series(Y + 1).cast(kind))
    assert set(audit.errors["group"]) == {"all", "1", "2"}


def test_numbers_beyond_floats_are_names() -> None:
    huge = [10**400, 1]
    assert read_columns(huge, "a").text().tolist() == [str(10**400), "1"]


BYTES: dict[str, Callable[[list[bytes]], Any]] = {
    "list": list,
    "numpy": np.array,
    "objects": lambda v: np.array(v, dtype=object),
    "Arrow": pa.array,
    "Arrow large": lambda v: pa.array(v, pa.large_binary()),
    "polars": pl.Series,
    "pandas": pd.Series,
}


@pytest.mark.parametrize("container", BYTES)
def test_bytes_are_utf8_or_refused(container: str) -> None:
    make = BYTES[container]
    assert read_columns(make(["é".encode(), b"a"]), "g").text().tolist() == ["é", "a"]
    # replaced, the two would be one group
    with pytest.raises(InputError, match="g: expected text in UTF-8, got bytes that are not"):
        read_columns(make([b"\xe9", b"\xe8"]), "g")


@pytest.mark.parametrize(
    "make", [list, np.array, lambda v: pd.Series(v, dtype=object), lambda v: np.array(v, object)]
)
def test_half_characters_are_refused(make: Any) -> None:
    with pytest.raises(InputError, match="g: expected text in Unicode, got half a character"):
        read_columns(make([HALF, "a"]), "g")


@pytest.mark.parametrize("name", GROUPED)
def test_estimators_refuse_groups_that_are_no_data(name: str) -> None:
    for case in ("generator", "set", "pandas groups", "sparse tensor", "lazy frame"):
        with pytest.raises(InputError, match=r"sensitive_features.*: expected .*, got .*; "):
            fitted(name, people=NO_DATA[case][0]())


# -- features -----------------------------------------------------------------------------------

DATES: dict[str, Callable[[], Any]] = {
    "pandas": lambda: pd.DataFrame({"when": DAYS}),
    "pandas zone": lambda: pd.DataFrame({"when": DAYS.tz_localize("UTC")}),
    "pandas periods": lambda: pd.DataFrame({"when": DAYS.to_period("D")}),
    "pandas differences": lambda: pd.DataFrame({"when": DAYS - DAYS[0]}),
    "pandas objects": lambda: pd.DataFrame({"when": DAYS.date}),
    "pandas Arrow": lambda: pd.DataFrame(
        {"when": pd.array(DAYS.date, pd.ArrowDtype(pa.date32()))}
    ),
    "polars dates": lambda: pl.DataFrame({"when": DAYS.to_numpy()}).cast(pl.Date),
    "polars stamps": lambda: pl.DataFrame({"when": DAYS.to_numpy()}),
    "polars differences": lambda: pl.DataFrame({"when": (DAYS - DAYS[0]).to_numpy()}),
    "polars lazy": lambda: pl.LazyFrame({"when": DAYS.to_numpy()}),
    "Arrow": lambda: pa.table({"when": DAYS.date}),
    "numpy": lambda: DAYS.to_numpy().reshape(-1, 1),
    "objects": lambda: np.array(DAYS.date, dtype=object).reshape(-1, 1),
    "rows": lambda: [[day] for day in DAYS.date],
    "records": lambda: [{"when": day} for day in DAYS.date],
}
NO_TABLE: dict[str, tuple[Callable[[], Any], str]] = {
    "pandas columns of one name": (
        lambda: pd.DataFrame(X, columns=["a", "a"]),
        "X: expected one column per name, got two columns 'a'",
    ),
    "lists": (lambda: pl.DataFrame({"a": [[1.0]] * N}), r"X 'a': expected .*List\(Float64\)"),
    "structs": (lambda: pl.DataFrame({"a": [{"b": 1}] * N}), "X 'a': expected .*Struct"),
    "objects": (lambda: pl.DataFrame({"a": [object()] * N}), "X 'a': expected .*Object"),
    **{
        case: NO_DATA[case]
        for case in ("generator", "set", "expression", "dicts among values", "lazy frame")
    },
}


@pytest.mark.parametrize("case", DATES)
def test_dates_are_no_features(case: str) -> None:
    with pytest.raises(
        InputError, match=r"^X.*: expected numbers, got .*; encode dates as numbers"
    ):
        read_features(DATES[case]())


@pytest.mark.parametrize("name", MAKERS)
def test_estimators_refuse_features_that_are_no_table(name: str) -> None:
    for make, says in NO_TABLE.values():
        with pytest.raises(InputError, match=says):
            fitted(name, make(), people={"sex": SEX, "band": BAND})
    for case in ("polars stamps", "numpy", "pandas"):
        with pytest.raises(InputError, match="encode dates as numbers"):
            fitted(name, DATES[case](), people={"sex": SEX, "band": BAND})


# -- options ------------------------------------------------------------------------------------

OPTIONS: dict[str, tuple[Any, ...]] = {
    "confidence": ("x", None, 0, 0.5, 1, 2, True, float("nan")),
    "n_boot": ("x", None, -1, 2.5),
    "intersections": ("x", 0, None),
    "suppress_below": ("x", -1, None),
    "metrics": ([1], 5, [None], ["fairness"]),
    "classes": (5, "ab", [0, 2]),
    "split": (3, "", None),
    "random_state": ("x", -1, None),
    "task": (5, "ranking", ["binary"]),
    "positive": ("maybe",),
}


@pytest.mark.parametrize(
    ("option", "value"), [(name, value) for name, values in OPTIONS.items() for value in values]
)
def test_an_impossible_option_is_named(option: str, value: Any) -> None:
    with pytest.raises((SpecError, InputError), match=f"^{option}: expected .*, got "):
        _audit(**{option: value})


def test_one_metric_may_be_a_name() -> None:
    assert set(_audit(metrics="tpr").errors["metric"]) == {"tpr"}


def test_without_groups_all_rows_are_measured_together() -> None:
    assert set(_audit(groups=None).errors["group"]) == {"all"}


@pytest.mark.parametrize("level", [0, 0.5, 1, 95])
def test_one_range_of_confidence_holds_everywhere(level: float) -> None:
    says = "confidence: expected a number above 0.5 and below 1, got"
    asks: tuple[Callable[[], Any], ...] = (
        lambda: _audit(confidence=level),
        lambda: ChoiceRules("min_gap", level, 0.95),
        lambda: usual("FairMEDL").predict_interval(X, confidence=level),
        lambda: (
            MAKERS["FairSDE"]()
            .set_params(confidence=level)
            .fit(X, Y, sensitive_features={"sex": SEX})
        ),
    )
    for ask in asks:
        with pytest.raises(SpecError, match=says):
            ask()
    with pytest.raises(ValidationError, match=says):
        AuditSpec(roles=ColumnRoles(target="y"), confidence=level)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"sizes": [-1, 1]}, "sizes: expected finite numbers of 0 or more, not all 0, got -1, 1"),
        ({"sizes": [0, 0]}, "sizes: expected finite numbers of 0 or more, not all 0, got 0, 0"),
        ({"objective": "best"}, "objective: expected one of min_gap, .*, got 'best'"),
        ({"objective": 3}, "objective: expected one of min_gap, .*, got 3"),
        ({"tolerance": -1}, "tolerance: expected a number of 0 or more, got -1"),
        ({"tolerance": "x"}, "tolerance: expected a number of 0 or more, got 'x'"),
    ],
)
def test_the_choice_names_what_is_wrong(options: dict[str, Any], says: str) -> None:
    with pytest.raises(FairauditError, match=says):
        choose_no_harm([0.8, 0.7], [0.7, 0.8], **options)


# -- words --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda: read_columns([object()] * 2, "g"), "g: expected .*, got an object in a row"),
        (lambda: read_columns(["a"], "g", 2), "g: expected 2 rows, as many as X, got 1 row; "),
        (lambda: read_numbers([1.0, None], "w"), "got 1 missing or infinite value;"),
        (
            lambda: _audit([None, *Y[1:]]),
            "expected a label in every row, got gaps: 1 of 48 labels are missing in the truth",
        ),
        (
            lambda: _audit([2, *Y[1:]], task="binary"),
            "expected the two labels of a binary outcome, got 0, 1, 2",
        ),
        (
            lambda: usual("PooledNetwork").predict(np.zeros((2, 3, 4))),
            r"X: expected a table \(n, p\) or images .*, got shape \(2, 3, 4\)",
        ),
    ],
)
def test_messages_say_what_was_expected(ask: Callable[[], Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        ask()

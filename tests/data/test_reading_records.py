"""JSON of every layout, declared types without rounding, tables in several files."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairaudit.data import store
from fairaudit.data.reading.table import read, read_table
from fairaudit.exceptions import InputError

FRAME = pd.DataFrame({"sex": ["f", "m", "f"], "age": [30.5, 40, None], "y": [1, 0, 1]})
ROWS = [("f", 30.5, 1), ("m", 40.0, 0), ("f", None, 1)]


@pytest.mark.parametrize("orient", ["columns", "index", "split", "records", "table"])
def test_what_pandas_writes_is_read(orient: str) -> None:
    frame = read_table(FRAME.to_json(orient=orient).encode())  # type: ignore[call-overload]
    assert frame.columns == ["sex", "age", "y"]
    assert frame.rows() == ROWS


@pytest.mark.parametrize("orient", ["columns", "index", "split", "table"])
def test_labels_of_rows_that_mean_something_are_a_column(orient: str) -> None:
    labelled = FRAME.set_index(pd.Index(["ann", "bo", "cy"]))
    frame = read_table(labelled.to_json(orient=orient).encode())  # type: ignore[call-overload]
    assert frame["index"].to_list() == ["ann", "bo", "cy"]
    assert frame.drop("index").rows() == ROWS


def test_lines_lists_and_tight_layouts() -> None:
    lines = FRAME.to_json(orient="records", lines=True)
    assert read_table(lines.encode()).rows() == ROWS
    assert read_table(("\ufeff\ufeff" + lines).encode()).rows() == ROWS
    values = read(FRAME.to_json(orient="values").encode())
    assert values.frame.rows() == ROWS
    assert values.frame.columns == ["column_1", "column_2", "column_3"]
    assert any("no header" in note for note in values.notes)
    named = read_table(b'[["sex", "y"], ["f", 1], ["m", 0]]')
    assert named.columns == ["sex", "y"]
    assert read_table(b'["sex", "y"]\n["f", 1]\n["m", 0]\n').rows() == [("f", 1), ("m", 0)]
    tight = json.dumps(FRAME.fillna(0).to_dict("tight"))
    assert read_table(tight.encode())["sex"].to_list() == ["f", "m", "f"]


def test_nested_values_leave_the_other_columns() -> None:
    table = read(b'[{"a": 1, "b": [1]}, {"a": 2, "b": {"c": 1}}]')
    assert table.frame.rows() == [(1,), (2,)]
    assert any("left out: 'b'" in note for note in table.notes)


def test_long_whole_numbers_of_json_are_exact() -> None:
    table = read(b'[{"a": 100000000000000000000, "b": 9007199254740993}, {"a": 1, "b": 2}]')
    assert table.frame.rows() == [("100000000000000000000", 9007199254740993), ("1", 2)]
    mixed = read_table(b'[{"a": 9007199254740993}, {"a": 1.5}]')
    assert mixed["a"].to_list() == ["9007199254740993", "1.5"]


def _written(frame: pl.DataFrame, method: str) -> bytes:
    out = io.BytesIO()
    getattr(frame, method)(out)
    return out.getvalue()


def _decimals(value: str, precision: int, scale: int) -> pl.Series:
    return pl.Series([value, "1"]).cast(pl.Decimal(precision, scale))


COLUMNS = {
    "wide": (pl.Series([2**64 - 1, 2**64 - 2], dtype=pl.UInt64), ["18446744073709551615"]),
    "small": (pl.Series([1, 2], dtype=pl.UInt64), [1]),
    "d20": (_decimals("12345678901234567890", 20, 0), ["12345678901234567890"]),
    "d18": (_decimals("123456789012345678", 18, 0), [123456789012345678]),
    "whole": (_decimals("123456789012345678.00", 22, 2), [123456789012345678]),
    "money": (pl.Series(["1.50", "2.25"]).cast(pl.Decimal(10, 2)), [1.5]),
    "i128": (pl.Series([2**100, 1], dtype=pl.Int128), [str(2**100)]),
    "float": (pl.Series([1e300, 2.0]), [1e300]),
    "text": (pl.Series([b"abc", "é".encode()]), ["abc"]),
}  # fmt: skip


@pytest.mark.parametrize("method", ["write_parquet", "write_ipc", "write_ipc_stream"])
@pytest.mark.parametrize("column", COLUMNS)
def test_declared_numbers_are_never_rounded(column: str, method: str) -> None:
    series, expected = COLUMNS[column]
    frame = read_table(_written(pl.DataFrame({column: series, "x": [1, 2]}), method))
    assert frame[column].to_list()[:1] == expected


def test_nested_and_binary_columns_leave_the_others() -> None:
    frame = pl.DataFrame(
        {"x": [1, 2], "list": [[1], [2]], "bytes": [b"\xff\x00", b"x"], "struct": [{"a": 1}] * 2}
    )
    for method in ("write_parquet", "write_ipc"):
        table = read(_written(frame, method))
        assert table.frame.columns == ["x"]
        assert any("'list', 'bytes', 'struct'" in note for note in table.notes)


def _hive(root: Path, method: str) -> None:
    for year in (2019, 2020):
        for site in ("a", "01"):
            folder = root / f"year={year}" / f"site={site}"
            folder.mkdir(parents=True)
            name = "part-0.parquet" if method == "write_parquet" else "part-0.csv"
            getattr(pl.DataFrame({"sex": ["f", "m"], "x": [1, year]}), method)(folder / name)
    (root / "_SUCCESS").write_text("")


@pytest.mark.parametrize("method", ["write_parquet", "write_csv"])
def test_a_folder_of_files_is_one_table(method: str, tmp_path: Path) -> None:
    _hive(tmp_path / "people", method)
    table = read(tmp_path / "people")
    assert table.frame.columns == ["sex", "x", "year", "site"]
    assert table.frame.height == 8
    assert sorted(set(table.frame["site"])) == ["01", "a"]
    assert set(table.frame["year"]) == {2019, 2020}
    assert "4 files were read as one table" in table.notes[0]
    info = store.ingest(tmp_path / "people", tmp_path / "datasets")
    assert (info.rows, info.name) == (8, "people")
    assert info.notes == table.notes
    assert store.ingest(tmp_path / "people", tmp_path / "datasets") == info


def test_a_pattern_of_names_is_one_table(tmp_path: Path) -> None:
    for i in range(3):
        (tmp_path / f"part-{i}.csv").write_text(f"sex,x\nf,{i}\nm,{i}.5\n")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    frame = read_table(str(tmp_path / "part-*.csv"))
    assert frame["x"].to_list() == [0.0, 0.5, 1.0, 1.5, 2.0, 2.5]
    with pytest.raises(InputError, match="no file matches"):
        read_table(str(tmp_path / "nothing-*.csv"))
    with pytest.raises(InputError, match=r"other columns than 'other\.csv'"):
        read_table(str(tmp_path / "*.csv"))
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "x.parquet")
    with pytest.raises(InputError, match="several formats"):
        read_table(tmp_path)


@pytest.mark.parametrize(
    "address",
    ["s3://bucket/people.csv", "https://example.org/a.parquet", "gs://b/part-*.csv", "hdfs://h/x"],
)
def test_an_address_on_another_machine_is_named_with_the_remedy(
    address: str, tmp_path: Path
) -> None:
    for source in (address, Path(address)):
        with pytest.raises(InputError, match="download it") as raised:
            read_table(source)
        assert address in str(raised.value)
    with pytest.raises(InputError, match="download it"):
        store.ingest(address, tmp_path)


def test_options_make_another_dataset_and_are_kept(tmp_path: Path) -> None:
    content = b"sex,race\nF,white\nM,black\n"
    plain = store.ingest(content, tmp_path)
    bare = store.ingest(content, tmp_path, header=False)
    assert (plain.rows, bare.rows) == (2, 3)
    assert plain.sha256 != bare.sha256
    stored = store.info(tmp_path / bare.sha256)
    assert stored == bare
    assert stored.reading == {"header": False}
    assert store.ingest(content, tmp_path, options=stored.options) == bare


_TEXT = st.text(st.sampled_from("abc äñ,;\"'"), min_size=1, max_size=6).map(
    lambda text: "w" + text + "w"
)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.tuples(_TEXT, st.integers(-(2**62), 2**62), st.floats(-1e9, 1e9), st.booleans()),
        min_size=1,
        max_size=6,
    ),
    layout=st.sampled_from(
        ["write_parquet", "write_ipc", "write_json", "write_ndjson", "columns", "split", "index"]
    ),
)
def test_any_typed_layout_reads_back_equal(
    rows: list[tuple[str, int, float, bool]], layout: str
) -> None:
    frame = pl.DataFrame(rows, schema=["text", "whole", "float", "flag"], orient="row")
    if layout.startswith("write"):
        content = _written(frame, layout)
    else:
        content = frame.to_pandas().to_json(orient=layout, double_precision=15).encode()  # type: ignore[call-overload]
    found = read_table(content)
    assert found.columns == frame.columns
    assert found.drop("float").rows() == frame.drop("float").rows()
    assert found["float"].to_list() == pytest.approx(frame["float"].to_list(), abs=1e-9)

"""Reading tables: formats, encodings, delimiters, types and missing markers."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import polars as pl
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from fairaudit.data.reading.delimited import survey
from fairaudit.data.reading.dialect import Dialect
from fairaudit.data.reading.header import unique_names
from fairaudit.data.reading.limits import Limits
from fairaudit.data.reading.table import read, read_table
from fairaudit.exceptions import InputError, LimitExceeded

FRAME = pl.DataFrame(
    {
        "id": [1, 2, 3, 4],
        "name": ["Ann", 'He said "hi", twice', "two\nlines", "Zoë"],
        "score": [0.5, 1.25, None, -3.0],
        "sex": ["f", "m", None, "f"],
    }
)
PLAIN = FRAME.filter(pl.col("id") != 99)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_any_usual_delimiter_is_found(delimiter: str) -> None:
    content = FRAME.write_csv(separator=delimiter).encode()
    table = read(content)
    assert table.dialect is not None
    assert table.dialect.delimiter == delimiter
    assert table.frame.equals(FRAME)


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
)
def test_unicode_encodings_are_found(encoding: str) -> None:
    assert read_table(FRAME.write_csv().encode(encoding)).equals(FRAME)


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])
def test_western_encodings_are_found_and_reported(encoding: str) -> None:
    text = "name,city\nJosé,Málaga\nZoë,Köln\nAnn,Paris\n"
    table = read(text.encode(encoding))
    assert table.frame["city"].to_list() == ["Málaga", "Köln", "Paris"]
    assert any("decoded as" in note for note in table.notes)


def test_cyrillic_is_found_by_statistics() -> None:
    text = "имя,город\n" + "Анна,Москва\nИван,Санкт-Петербург\nОльга,Новосибирск\n" * 20
    assert read_table(text.encode("cp1251"))["город"][0] == "Москва"


def test_a_path_in_another_encoding_is_rewritten_as_a_stream(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes("a;b\né;1,5\nü;2\n".encode("utf-16"))
    assert read_table(path).rows() == [("é", 1.5), ("ü", 2.0)]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1", "2", "3"], [1, 2, 3]),
        (["1", "2.5", "1e3"], [1.0, 2.5, 1000.0]),
        (["1", "", "3"], [1, None, 3]),
        (["1", "?", "3"], [1, None, 3]),
        (["1", "NA", "n/a"], [1, None, None]),
        (["1", "-", "none"], [1, None, None]),
        (["yes", "none", "no"], ["yes", "none", "no"]),
        (["007", "12", "3"], ["007", "12", "3"]),
        (["true", "False", ""], [True, False, None]),
        (["x", "1", "?"], ["x", "1", None]),
        (["2024-01-31", "", "2023-12-01"], [dt.date(2024, 1, 31), None, dt.date(2023, 12, 1)]),
        (["2024-13-31", "2024-01-01", "2024-01-02"], ["2024-13-31", "2024-01-01", "2024-01-02"]),
        (["inf", "1", "-inf"], [float("inf"), 1.0, float("-inf")]),
        (["99999999999999999999", "1", "2"], ["99999999999999999999", "1", "2"]),
        (["1e20", "1.5", "2"], [1e20, 1.5, 2.0]),
        (["  a ", "b", "a"], ["a", "b", "a"]),
        (["0.5", "0", "00"], ["0.5", "0", "00"]),
    ],
)
def test_what_cells_become(cells: list[str], expected: list[object]) -> None:
    content = "v,w\n" + "".join(f"{c},x\n" for c in cells)
    assert read_table(content.encode())["v"].to_list() == expected


def test_decimal_commas_are_read_in_a_file_that_proves_them() -> None:
    content = b"a;b;c\n1,5;1.234,5;1,234\n2,25;17,0;5\n"
    table = read(content)
    assert table.frame.rows() == [(1.5, 1234.5, 1.234), (2.25, 17.0, 5.0)]
    assert any("decimal comma" in note for note in table.notes)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a;b\n1.234;1,5\n2.345.678;2,5\n", [1234.0, 2345678.0]),
        (b"a;b\n1.234;1,5\n0.5;2,5\n", [1.234, 0.5]),  # 0.5 is a decimal point
        (b"a;b\n1.234;x\n2.345;y\n", [1.234, 2.345]),  # nothing says decimal comma
        (b'a,b\n1.234,"1,5"\n2.345,"2,5"\n', [1.234, 2.345]),  # columns are told by commas
        (b"a;b\n1,234;x\n2,345;y\n", [1.234, 2.345]),  # semicolons make way for commas
        (b"a;b\n1,234;0.5\n2,345;0.7\n", [1234.0, 2345.0]),
    ],
)
def test_points_are_thousands_only_in_a_file_of_decimal_commas(
    content: bytes, expected: list[float]
) -> None:
    table = read(content)
    assert table.frame["a"].to_list() == expected
    said = any("points between thousands" in note for note in table.notes)
    assert said == (expected == [1234.0, 2345678.0])


def test_commas_between_thousands_are_read_where_nothing_says_decimal() -> None:
    table = read(b'a,b\n"1,234",x\n"12,345,678",y\n7,z\n')
    assert table.frame["a"].to_list() == [1234.0, 12345678.0, 7.0]
    assert any("thousands" in note for note in table.notes)


def test_a_word_after_many_numbers_keeps_the_column_whole() -> None:
    cells = [str(i) for i in range(30_000)] + ["oops"]
    frame = read_table(("v,w\n" + "".join(f"{c},1\n" for c in cells)).encode())
    assert frame["v"].to_list() == cells


def test_missing_cells_are_counted_in_the_notes() -> None:
    notes = " ".join(read(b"a,b\n1,?\n,x\n,y\n").notes)
    assert "'a' 2" in notes
    assert "'b' 1" in notes


def test_blank_rows_are_left_out_and_counted() -> None:
    table = read(b"a,b\n1,x\n\n,\n2,y\n\n")
    assert table.frame.rows() == [(1, "x"), (2, "y")]
    assert any("3 rows without any value" in note for note in table.notes)


def test_blank_lines_before_the_header_do_no_harm() -> None:
    assert read_table(b"\n\na,b\n1,x\n").rows() == [(1, "x")]


@pytest.mark.parametrize(
    "above", ["Survey\n", "Survey,,\n,,\n", "# by us\n# in 2020\n", '"Of us, by us"\n']
)
def test_titles_above_the_header_are_left_out_and_noted(above: str) -> None:
    table = read((above + "sex,age,y\nf,30,1\nm,40,0\nf,50,1\nm,60,0\nf,70,0\n").encode())
    assert table.frame.columns == ["sex", "age", "y"]
    assert table.frame["age"].to_list() == [30, 40, 50, 60, 70]
    assert any("above the header skipped" in note for note in table.notes)


def test_a_header_is_not_taken_for_a_title() -> None:
    assert read_table(b",name\nr1,Ann\nr2,Bo\nr3,Cy\n").columns == ["column_1", "name"]
    assert read_table(b"x,,\n1,2,3\n4,5,6\n").height == 2
    with pytest.raises(InputError, match="a different number of cells"):
        read_table(b"comment\nok\nfine, thanks\ngood, really\n")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_of_every_system(end: str) -> None:
    assert read_table(f"a,b{end}1,x{end}2,y{end}".encode()).rows() == [(1, "x"), (2, "y")]


def test_a_header_of_numbers_is_no_header_but_years_are() -> None:
    bare = read(b"63.0,1.0,145\n67.0,0.0,160\n41,1,130\n")
    assert bare.frame.columns == ["column_1", "column_2", "column_3"]
    assert bare.frame.height == 3
    assert any("no header" in note for note in bare.notes)
    assert read_table(b"2019,2020,2021\n1,2,3\n").columns == ["2019", "2020", "2021"]


def test_thousands_of_repeats_are_numbered_in_order() -> None:
    names = unique_names(["a (2)", *["a"] * 5000])
    assert names[:3] == ["a (2)", "a", "a (3)"]
    assert names[-1] == "a (5001)"


def test_repeated_and_empty_names_are_made_unique_and_noted() -> None:
    table = read(b"a,a,,a\n1,2,3,4\n")
    assert table.frame.columns == ["a", "a (2)", "column_3", "a (3)"]
    assert len(table.notes) == 2


def test_names_that_look_like_patterns_are_plain_names() -> None:
    out = io.BytesIO()
    pl.DataFrame({"*": ["x"], "^a$": ["?"], "": ["1"]}).write_parquet(out)
    assert read_table(out.getvalue()).rows() == [("x", None, "1")]
    assert read_table(b"*,^a$,b\n1,2,3\n").columns == ["column *", "column ^a$", "b"]
    assert read_table(b'[{"*": 1, "x": 2}]').columns == ["column *", "x"]


def test_inch_marks_are_no_quotes() -> None:
    table = read(b'size\tprice\n5" pipe\t3\n7" pipe\t4\n')
    assert table.frame["size"].to_list() == ['5" pipe', '7" pipe']
    assert any("quotation marks" in note for note in table.notes)


def test_a_single_column_is_a_table() -> None:
    assert read_table(b"age\n31\n\n40\n")["age"].to_list() == [31, 40]


def test_a_column_called_row_is_kept_under_another_name() -> None:
    assert read_table(b"_row,x\n7,1\n").columns == ["_row of the file", "x"]


@pytest.mark.parametrize(
    "method", ["write_parquet", "write_ipc", "write_ipc_stream", "write_json", "write_ndjson"]
)
def test_typed_formats_by_bytes_and_by_path(method: str, tmp_path: Path) -> None:
    out = io.BytesIO()
    getattr(FRAME, method)(out)
    path = tmp_path / "wrong.csv"
    path.write_bytes(out.getvalue())
    assert read_table(out.getvalue()).equals(FRAME)
    assert read_table(path).equals(FRAME)


def test_a_wrong_extension_is_reported() -> None:
    out = io.BytesIO()
    FRAME.write_parquet(out)
    assert any("extension is .csv" in n for n in read(out.getvalue(), name="t.csv").notes)
    assert not any("extension" in n for n in read(out.getvalue(), name="t.parquet").notes)


def test_declared_text_stays_text_but_markers_are_missing() -> None:
    out = io.BytesIO()
    pl.DataFrame(
        {"zip": ["01234", "NA"], "k": pl.Series(["1", "2"], dtype=pl.Categorical)}
    ).write_parquet(out)
    frame = read_table(out.getvalue())
    assert frame.rows() == [("01234", "1"), (None, "2")]
    assert frame.schema["k"] == pl.String


def test_a_line_of_json_ends_at_a_newline_only() -> None:
    content = '{"a": "x\u2028y\u0085z"}\r\n{"a": "w"}\n'.encode()
    assert read_table(content)["a"].to_list() == ["x\u2028y\u0085z", "w"]


def test_json_of_columns_of_records_in_a_wrapper_and_of_mixed_values() -> None:
    assert read_table(b'{"a": [1, 2], "b": ["x", null]}').rows() == [(1, "x"), (2, None)]
    assert read_table(b'{"data": [{"a": 1}, {"a": 2, "b": 3}]}').rows() == [(1, None), (2, 3)]
    assert read_table(b'[{"a": 1}, {"a": "x"}]')["a"].to_list() == ["1", "x"]
    assert read_table(b'[{"a": true}, {"a": null}]')["a"].to_list() == [True, None]


@pytest.mark.parametrize("packed", [gzip.compress, zstandard.compress])
def test_compressed_parts_are_one_table(packed: Callable[[bytes], bytes], tmp_path: Path) -> None:
    ending = "gz" if packed is gzip.compress else "zst"
    for year, rows in (("2020", "1,a\n2,b\n"), ("2021", "3,c\n4,d\n")):
        folder = tmp_path / "all" / f"year={year}"
        folder.mkdir(parents=True)
        (folder / f"part.csv.{ending}").write_bytes(packed(f"x,g\n{rows}".encode()))
    wanted = {"x": [1, 2, 3, 4], "g": ["a", "b", "c", "d"], "year": [2020, 2020, 2021, 2021]}
    assert read_table(tmp_path / "all").to_dict(as_series=False) == wanted
    pattern = read_table(tmp_path / "all" / "*" / f"*.csv.{ending}")
    assert pattern["x"].to_list() == wanted["x"]
    (folder / "plain.csv").write_text("x,g\n5,e\n")  # beside a compressed one
    assert read_table(tmp_path / "all")["x"].to_list() == [1, 2, 3, 4, 5]


def test_a_damaged_compressed_part_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x\n1\n")
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(b"x\n1\n" * 99)[:-9])
    with pytest.raises(InputError, match=r"b\.csv\.gz' is damaged"):
        read_table(tmp_path)


@pytest.mark.parametrize(
    "values",
    [
        ["05.03.2024", "17.11.2023"],
        ["05.03.24", "17.11.23"],
        ["5.3.2024", "1.12.2023"],
        ["01.02.2024", "01.02.2023"],
    ],
)
def test_dates_with_points_are_never_numbers(values: list[str], tmp_path: Path) -> None:
    for delimiter in ",;":
        rows = "\n".join(f"{v}{delimiter}{k}" for k, v in enumerate(values * 20))
        (tmp_path / "t.csv").write_text(f"seen{delimiter}x\n{rows}\n")
        frame = read_table(tmp_path / "t.csv")
        assert not frame["seen"].dtype.is_numeric()
        assert frame["seen"].cast(pl.String).to_list() == values * 20


@pytest.mark.parametrize("packed", [gzip.compress, zstandard.compress])
@pytest.mark.parametrize("as_path", [False, True])
def test_compressed_text(packed: object, as_path: bool, tmp_path: Path) -> None:
    content = packed(FRAME.write_csv().encode())  # type: ignore[operator]
    if as_path:
        (tmp_path / "t.csv.gz").write_bytes(content)
    assert read_table(tmp_path / "t.csv.gz" if as_path else content).equals(FRAME)


def test_zstd_frames_one_after_another() -> None:
    content = zstandard.compress(b"a,b\n1,x\n") + zstandard.compress(b"2,y\n")
    assert read_table(content).rows() == [(1, "x"), (2, "y")]


def test_a_zip_with_one_table_is_read() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("inner/t.csv", FRAME.write_csv())
    assert read_table(out.getvalue()).equals(FRAME)


def _workbook(**sheets: list[list[object]]) -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(out)
    return out.getvalue()


def test_a_workbook_gives_typed_columns_of_the_first_sheet_with_a_table() -> None:
    content = _workbook(
        cover=[],
        data=[
            ["a", "b", "when", "mixed"],
            [1, 0.5, dt.date(2024, 5, 1), 3],
            [2, None, None, "x"],
            [3, "?", None, 4],
        ],
    )
    table = read(content)
    assert table.frame["a"].to_list() == [1, 2, 3]
    assert table.frame["b"].to_list() == [0.5, None, None]
    assert table.frame["mixed"].to_list() == ["3", "x", "4"]
    assert table.frame["when"][0] in (dt.date(2024, 5, 1), dt.datetime(2024, 5, 1))
    assert any("sheet 'data' of 2" in note for note in table.notes)
    assert read_table(_workbook(x=[["a"], [1]], y=[["b"], [2]]), sheet="y").columns == ["b"]


def test_numbers_of_a_workbook_keep_their_full_precision() -> None:
    rows = [["p", "tiny", "n"], [1 / 3, 1e-12, 1], ["NA", 3e-12, 2], [0.1, None, 3]]
    frame = read_table(_workbook(x=rows))
    assert frame["p"].to_list() == [1 / 3, None, 0.1]
    assert frame["tiny"].to_list() == [1e-12, 3e-12, None]  # all shown as 0
    assert frame["n"].dtype == pl.Int64


def test_titles_above_the_header_of_a_sheet_are_left_out_and_noted() -> None:
    table = read(_workbook(x=[["Survey"], [], ["sex", "age", "y"], ["f", 30, 1], ["m", 40, 0]]))
    assert table.frame.rows() == [("f", 30, 1), ("m", 40, 0)]
    assert any("looks like a title" in note for note in table.notes)


def test_a_hidden_sheet_is_read_only_when_named() -> None:
    book, out = openpyxl.Workbook(), io.BytesIO()
    for cell in ("h", "i"), (1, 2):
        book.active.append(cell)
    book.active.title, book.active.sheet_state = "old", "hidden"
    seen = book.create_sheet("new")
    for cell in ("x", "y"), (3, 4):
        seen.append(cell)
    book.active = 1
    book.save(out)
    assert read_table(out.getvalue()).columns == ["x", "y"]
    assert read_table(out.getvalue(), sheet="old").columns == ["h", "i"]


def test_formats_far_from_the_table_do_no_harm() -> None:
    book, out = openpyxl.Workbook(), io.BytesIO()
    for cell in ("x", "y"), (3, 4):
        book.active.append(cell)
    book.active["XFD1048576"].font = openpyxl.styles.Font(bold=True)
    book.save(out)
    assert read_table(out.getvalue()).rows() == [(3, 4)]


def test_an_open_document_sheet_is_read() -> None:
    out = io.BytesIO()
    cell = "<table:table-cell office:value-type='{t}'{n}><text:p>{v}</text:p></table:table-cell>"
    rows = "".join(
        "<table:table-row>"
        + "".join(
            cell.format(t=t, v=v, n=f" office:value='{v}'" if t == "float" else "") for t, v in row
        )
        + "</table:table-row>"
        for row in [[("string", "a"), ("string", "b")], [("float", "1"), ("string", "x")]]
    )
    names = "urn:oasis:names:tc:opendocument:xmlns"
    content = (
        f"<?xml version='1.0'?><office:document-content xmlns:office='{names}:office:1.0' "
        f"xmlns:table='{names}:table:1.0' xmlns:text='{names}:text:1.0'><office:body>"
        f"<office:spreadsheet><table:table table:name='S'>{rows}</table:table>"
        "</office:spreadsheet></office:body></office:document-content>"
    )
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
        archive.writestr("content.xml", content)
    assert read_table(out.getvalue()).rows() == [(1, "x")]


def test_limits_on_shape_size_and_cells() -> None:
    with pytest.raises(LimitExceeded, match="3 columns"):
        read_table(b"a,b,c\n1,2,3\n", limits=Limits(columns=2))
    with pytest.raises(LimitExceeded, match="3 rows"):
        read_table(b"a\n1\n2\n3\n", limits=Limits(rows=2))
    with pytest.raises(LimitExceeded, match="at most 4 bytes"):
        read_table(b"a\n12345\n", limits=Limits(file_bytes=4))
    with pytest.raises(LimitExceeded, match="cell"):
        read_table(b"a,b\nxxxxxxxxx,1\n", limits=Limits(cell_bytes=5))


def test_many_rows_in_a_tiny_file_are_refused_before_they_are_unpacked() -> None:
    out = io.BytesIO()
    pl.DataFrame({"a": [0]}).select(pl.col("a").repeat_by(3_000_000).explode()).write_parquet(out)
    assert len(out.getvalue()) < 100_000
    with pytest.raises(LimitExceeded, match="3,000,000 rows"):
        read_table(out.getvalue(), limits=Limits(cells=1_000_000))


def test_large_json_and_workbooks_are_refused_by_their_unpacked_size() -> None:
    with pytest.raises(LimitExceeded, match="of JSON"):
        read_table(b'[{"a": 1}]', limits=Limits(json_bytes=5))
    with pytest.raises(LimitExceeded, match="when decompressed"):
        read_table(_workbook(x=[["a"], [1]]), limits=Limits(sheet_bytes=100))


def test_blanks_separate_columns_where_nothing_else_does() -> None:
    assert read_table(b"age job y\n31 clerk 1\n40 cook 0\n").rows() == [
        (31, "clerk", 1),
        (40, "cook", 0),
    ]
    assert read_table(b"first name,last name\nAnn Lee,Bo Ray\n").columns == [
        "first name",
        "last name",
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_separator_line_of_a_spreadsheet_is_followed(end: str) -> None:
    content = end.join(["sep=;", "a;b;c", "1,5;x;2", "2;y;3", ""]).encode()
    assert read_table(content).rows() == [(1.5, "x", 2), (2.0, "y", 3)]


def test_an_old_workbook_is_read() -> None:
    """statsmodels, which tests need anyway, brings a real one."""
    statsmodels = pytest.importorskip("statsmodels")
    folder = Path(statsmodels.__file__).parent / "datasets" / "macrodata" / "src"
    path = next((p for p in folder.rglob("macrodata.xls") if p.is_file()), None)
    if path is None:
        pytest.skip("this build of statsmodels brings no .xls")
    table = read(path)
    assert table.format == "xls"
    # the notes on the first sheet are passed over
    assert table.frame.columns == ["DATE", "CPIAUCSL", "M1SL", "POP", "TB3MS"]
    assert table.frame["TB3MS"].dtype == pl.Float64


def test_a_folder_and_a_missing_path_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a folder"):
        read_table(tmp_path)
    with pytest.raises(InputError, match="there is no file"):
        read_table(str(tmp_path / "x.csv"))


_CELL = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]),
    max_size=8,
)


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(st.tuples(_CELL, _CELL, st.integers(-99, 99)), min_size=1, max_size=15),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
)
def test_what_polars_writes_comes_back(rows: list[tuple[str, str, int]], delimiter: str) -> None:
    """Any text, quoted newlines and delimiters included, survives but for trimmed blanks."""
    frame = pl.DataFrame(rows, schema=["first", "second", "n"], orient="row")
    content = frame.write_csv(separator=delimiter, quote_style="always").encode()
    found = read_table(content)
    assert found["n"].to_list() == frame["n"].to_list()
    assert found.height == frame.height
    assert found.columns == frame.columns


@settings(max_examples=100, deadline=None)
@given(
    rows=st.lists(
        st.lists(st.sampled_from(["", "a", "b,c", 'q"r', "x\ny"]), min_size=1, max_size=4),
        max_size=12,
    )
)
def test_the_survey_counts_cells_like_a_csv_reader(rows: list[list[str]]) -> None:
    import csv

    out = io.StringIO()
    csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(rows)
    found = survey(out.getvalue().encode(), Dialect(), 3)
    assert found.records == len(rows)
    assert found.odd_records == sum(len(row) != 3 for row in rows)
    assert found.open_quote_line is None


def test_the_survey_carries_its_state_over_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    content = b'a,b\n"x\n,y",2\n3,"4"\n5\n6,7'
    whole = survey(content, Dialect(), 2)
    monkeypatch.setattr("fairaudit.data.reading.delimited.CHUNK", 1)
    assert survey(content, Dialect(), 2) == whole
    assert (whole.records, whole.odd_line, whole.odd_cells) == (5, 5, 1)

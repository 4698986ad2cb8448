"""Text tables as people write them: headers, numbers, encodings, exports of other programs."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairaudit.data.reading.encodings import encoding_choices, guess_encoding
from fairaudit.data.reading.options import ReadingOptions
from fairaudit.data.reading.table import read, read_table
from fairaudit.exceptions import InputError, SpecError


def _column(*cells: str, **options: object) -> pl.Series:
    """The cells as one column of a file with semicolons."""
    text = "v;w\n" + "".join(f"{cell};x\n" for cell in cells)
    return read_table(text.encode(), **options)["v"]


@pytest.mark.parametrize(
    "names", [("value", "variable"), ("variable", "x"), ("count", "len"), ("0", "a/b", "index")]
)
def test_any_name_of_a_column_is_read_like_any_other(names: tuple[str, ...]) -> None:
    text = ",".join(["sex", *names]) + "\n"
    text += "".join(
        "F," + ",".join(f"{i}{j}" for j in range(len(names))) + "\n" for i in (1, 2, 3)
    )
    frame = read_table(text.encode())
    assert frame.columns == ["sex", *names]
    assert frame[names[0]].to_list() == [10, 20, 30]


HEADERS = [
    "id,2019,2020,2021\na,1,2,3\nb,2,3,4\nc,5,1,2\n",
    "2019,2020,2021\n1,2,3\n4,9,5\n",
    "country,2000,2005,2010\nFR,1.5,2.5,3\nDE,2,3,4\n",
    "school,0,1,2,3\nA,5,3,2,1\nB,1,4,2,2\n",
    "0,1,2\n5,3,2\n1,4,9\n",
    "q,0.05,0.25,0.5,0.75,0.95\nx,12,13,9,10,11\ny,3,9,1,12,2\n",
    "sex,race,y\nF,white,1\nM,black,0\nF,white,1\n",
    "name,city\nAnn,Paris\nBo,Rome\n",
    "M,F,total\n12,13,25\n3,4,7\n",
    "yes,no\n12,3\n4,5\n",
    "Q1,Q2,Q3\nagree,disagree,agree\nagree,agree,disagree\ndisagree,agree,agree\n",
    "id,date,y\n1,2020-01-01,0\n2,2020-01-02,1\n3,2020-01-03,1\n",
    "code,zip\nA-001,01234\nA-002,01235\nA-003,01236\n",
    "sex,age\nF,?\nM,30\n",
    "Male,Female,Other\n1,0,0\n0,1,0\n1,0,0\n",
    "18-25,26-35,36-45\n3,4,5\n6,2,1\n",
    "sex,other,y\nF,other,1\nM,none,0\nF,other,1\n",
    "group,value,variable\na,1,u\nb,2,value\n",
    "a,a,,a\n1,2,3,4\n",
    "user_id,item 1,item 2\nu1,3,4\nu2,5,1\n",
]


@pytest.mark.parametrize("content", HEADERS)
def test_a_header_is_kept_however_odd_its_names(content: str) -> None:
    table = read(content.encode())
    assert table.dialect is not None
    assert table.dialect.header
    assert table.dialect.header_lines == 1
    assert table.frame.height == content.count("\n") - 1


ROWS_ONLY = [
    "39, Private, 77516, Male, <=50K\n20, Private, 70000, Male, <=50K\n21, Public, 7, F, >50K\n",
    "5.1,3.5,1.4,0.2,Iris-setosa\n4.9,3.0,1.4,0.2,Iris-setosa\n7.0,3.2,4.7,1.4,Iris-versicolor\n",
    "1,2,3\n4,5,6\n7,8,9\n",
    "F,yes\nM,no\nF,yes\nM,yes\n",
    "2020-01-01,F,1\n2020-01-02,M,0\n2020-01-03,F,1\n",
    "A-001,F\nA-002,M\nA-003,F\n",
    "2019,F,yes\n2020,M,no\n2021,F,no\n",
    "30;1 000,00;F\n31;2 000,00;M\n32;3 000,50;F\n",
    "Smith,34,F,1200\nJones,45,M,1300\nBrown,22,F,1250\n",
    "true,0.5\nfalse,0.7\ntrue,0.1\n",
    "12345,Berlin,1\n23456,Hamburg,0\n34567,Berlin,1\n",
]


@pytest.mark.parametrize("content", ROWS_ONLY)
def test_the_first_person_does_not_become_the_names(content: str) -> None:
    table = read(content.encode())
    assert table.frame.height == content.count("\n")
    assert table.frame.columns[0] == "column_1"
    assert any("has no header" in note for note in table.notes)
    named = read(content.encode(), header=True)
    assert named.frame.height == content.count("\n") - 1
    assert not any("has no header" in note for note in named.notes)


def test_a_header_can_be_denied() -> None:
    frame = read_table(b"sex,race\nF,white\nM,black\n", header=False)
    assert frame.rows() == [("sex", "race"), ("F", "white"), ("M", "black")]


def test_published_files_without_their_headers(shared_data: Path) -> None:
    for name in ("adult/adult.data", "heart/processed.cleveland.data"):
        path = shared_data / name
        if not path.is_file():
            pytest.skip("the public tables are not here")
        whole = read_table(path)
        bare = read_table(path.read_bytes().split(b"\n", 1)[1].replace(b",", b", "))
        assert bare.columns == [f"column_{i}" for i in range(1, whole.width + 1)]
        assert bare.height == whole.height


def test_a_comment_above_rows_without_a_header() -> None:
    rows = "".join(f"{20 + i}, Private, {7000 + i}, <=50K.\n" for i in range(9))
    table = read(f"|1x3 Cross validator\n{rows}".encode())
    assert table.frame.height == 9
    assert table.frame.columns[0] == "column_1"


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1 000,00", "2 037,01", "12,5"], [1000.0, 2037.01, 12.5]),
        (["1\u00a0234,50", "99,00"], [1234.5, 99.0]),
        (["1\u202f234", "12"], [1234, 12]),
        (["1\u2009234,5", "1,5"], [1234.5, 1.5]),
        (["1'234.50", "3.00"], [1234.5, 3.0]),
        (["1’234.50", "12’000.25"], [1234.5, 12000.25]),
        (["$1,234.50", "$3"], [1234.5, 3.0]),
        (["12.00 €", "13.50 €"], [12.0, 13.5]),
        (["€ 12", "€ 3.5"], [12.0, 3.5]),
        (["1.234,50 €", "2,00 €"], [1234.5, 2.0]),
        (["(1,234.50)", "5.00"], [-1234.5, 5.0]),
        (["12 %", "3%", "0"], [12, 3, 0]),
        (["-£5", "£3", "£-4"], [-5, 3, -4]),
        (["USD 1,200", "USD 900"], [1200, 900]),
        (["1,23,456.00", "99.00"], [123456.0, 99.0]),
        (["Rs. 1,00,000", "Rs. 5,000"], [100000, 5000]),
        (["12-", "15"], [-12, 15]),
        (["$1,234", "$567"], [1234, 567]),
        (["€1.234", "€12"], [1234, 12]),
        (["−5,5", "3,0"], [-5.5, 3.0]),
        (["0,500 kr", "1,250 kr"], [0.5, 1.25]),
        (["R$ 1.234,56", "R$ 2,00"], [1234.56, 2.0]),
        (["5 000 USD", "7 200 USD", "-", ""], [5000, 7200, None, None]),
        (["1 234 567 Kč", "12 Kč"], [1234567, 12]),
        (["$(5.00)", "$6.00"], [-5.0, 6.0]),
        (["(500)", "1,200"], [-500, 1200]),
        (["500/-", "1,600/-"], [500, 1600]),
        (["‑5 €", "5 €"], [-5, 5]),
    ],
)
def test_numbers_as_people_write_them(cells: list[str], expected: list[object]) -> None:
    assert _column(*cells).to_list() == expected
    notes = read(("v;w\n" + "".join(f"{c};x\n" for c in cells)).encode()).notes
    assert any("'v'" in note and "read" in note for note in notes)


@pytest.mark.parametrize(
    "cells",
    [
        ["00123 €", "12 €"],
        ["00123", "12345"],
        ["+49 301 234 567", "+49 123 456 789"],
        ["123 456 789", "987 654 321"],
        ["06 12 34 56 78", "07 12 34 56 78"],
        ["555-1234", "555-2345"],
        ["$5", "€5"],
        ["12 %", "0.5"],
        ["12.5 %", "1,5 %"],
        ["1.234,5", "1,234.5"],
        ["10 20", "20 30"],
        ["(12)", "(13)"],
        ["1", "2-", "3"],
        ["٣", "٤"],
        ["１２", "３"],
        ["$(5", "$6)"],
        ["1 234", "abc"],
        ["18-25", "26-35"],
        ["2020-01", "2020-02"],
        ["1,2,3", "4,5,6"],
    ],
)
def test_what_is_no_number_or_not_one_notation_stays_text(cells: list[str]) -> None:
    assert _column(*cells).to_list() == cells


def test_thousands_that_may_be_decimals_follow_the_file_and_are_said() -> None:
    table = read(b'a,b\n"1,234",x\n"2,345",y\n')
    assert table.frame["a"].to_list() == [1234, 2345]
    assert any("decimal=','" in note for note in table.notes)
    assert read_table(b'a,b\n"1,234",x\n"2,345",y\n', decimal=",")["a"][0] == 1.234
    semicolons = read(b"a;b\n1,234;x\n2,345;y\n")
    assert semicolons.frame["a"].to_list() == [1.234, 2.345]
    assert any("decimal='.'" in note for note in semicolons.notes)


def test_a_column_of_text_can_be_kept() -> None:
    frame = read_table(b"room,y\n101,0\n102,1\n", text_columns=["room"])
    assert frame["room"].to_list() == ["101", "102"]


@pytest.mark.parametrize(
    "cells",
    [
        ["12345678901234567890", "12345678901234567891"],
        ["99999999999999999999", "1"],
        ["12345678901234567", "1.5"],
        ["18446744073709551615", "-1"],
        ["1" * 40, "2"],
    ],
)
def test_whole_numbers_beyond_a_number_type_stay_exact(cells: list[str]) -> None:
    table = read(("v,w\n" + "".join(f"{c},x\n" for c in cells)).encode())
    assert table.frame["v"].to_list() == cells
    assert any("left as text: 'v'" in note for note in table.notes)


def test_whole_numbers_of_seventeen_digits_are_exact_numbers() -> None:
    cells = [12345678901234567, 12345678901234568, 9007199254740993]
    assert _column(*map(str, cells)).to_list() == cells


def test_numbers_that_were_floats_stay_floats() -> None:
    assert _column("0.12345678901234567", "1e300", "3").to_list() == [
        0.12345678901234567,
        1e300,
        3.0,
    ]


TEXTS = {
    "Polish": ("płeć;y\nkobieta;1\nmężczyzna;0\n", "cp1250 iso8859_2 cp852"),
    "Polish towns": ("miasto;y\nŁódź;1\nKraków;0\nGdańsk;1\n", "cp1250 iso8859_2 cp852"),
    "Czech": ("věk,kraj\n12,Jihočeský\n13,Plzeňský\n", "cp1250 iso8859_2"),
    "Hungarian": ("nem;y\nnő;1\nférfi;0\n", "cp1250 iso8859_2"),
    "Romanian": ("sex;y\nbărbat;1\nfemeie;0\n", "cp1250 iso8859_2"),
    "Turkish": ("şehir;y\nİstanbul;1\nİzmir;0\nMuğla;1\n", "cp1254"),
    "German": ("straße;größe\nKöln;1\nMünchen;0\nÄrzte;1\n", "cp1252 mac_roman cp850 cp437"),
    "French": ("prénom;ville\nZoé;Orléans\nFrançois;Nîmes\n", "cp1252 mac_roman cp850 cp437"),
    "Euro": ("prix;ville\n12 €;Orléans\n13 €;Cœur\n", "cp1252 iso8859_15"),
    "Spanish": ("año;región\n1;España\n2;México\n", "cp1252 mac_roman cp850 cp437"),
    "Portuguese": ("região;educação\nSão Paulo;sim\nnão;não\n", "cp1252 mac_roman cp850"),
    "Danish": ("køn;y\nmand;1\nÅrhus;0\n", "cp1252 mac_roman cp850"),
    "Russian": ("пол;y\nмужской;1\nженский;0\n", "cp1251 koi8_r cp866 iso8859_5"),
    "Ukrainian": ("стать;y\nчоловік;1\nжінка;0\n", "cp1251 koi8_u"),
    "Greek": ("φύλο;y\nάνδρας;1\nγυναίκα;0\n", "cp1253 iso8859_7"),
    "Hebrew": ("מין;y\nזכר;1\nנקבה;0\n", "cp1255"),
    "Arabic": ("الجنس;y\nذكر;1\nأنثى;0\n", "cp1256"),
    "Lithuanian": ("lytis;y\nKėdainiai;1\nŠiauliai;0\n", "cp1257"),
    "Chinese": ("性别,年龄\n男,1\n女,0\n", "gb18030 gb2312"),
    "two Chinese letters": ("sex,y\n男,1\n女,0\n", "gb18030 cp950"),
    "traditional Chinese": ("性別,年齡\n男,1\n女,0\n", "cp950"),
    "Japanese": ("性別,年齢\n男性,1\n女性,0\n", "cp932 euc_jp iso2022_jp"),
    "Korean": ("성별,나이\n남,1\n여,0\n", "cp949"),
    "Thai": ("เพศ;y\nชาย;1\nหญิง;0\n", "cp874"),
    "Cyrillic in UTF-16 without a mark": ("имя,y\nАнна,1\nИван,0\n", "utf-16-le utf-16-be"),
    "UTF-32 without a mark": ("имя,y\nАнна,1\nИван,0\n", "utf-32-le utf-32-be"),
}


@pytest.mark.parametrize(
    ("text", "encoding"),
    [(text, encoding) for text, encodings in TEXTS.values() for encoding in encodings.split()],
)
def test_the_encoding_is_found_by_its_words(text: str, encoding: str) -> None:
    content = text.encode(encoding)
    table = read(content)
    names = text.split("\n", 1)[0].replace(";", ",").split(",")
    assert table.frame.columns == names
    assert any("decoded as" in note for note in table.notes)


def test_an_encoding_that_cannot_be_determined_is_said_and_can_be_chosen() -> None:
    content = "dzimums;y\nvīrietis;1\nsieviete;0\n".encode("cp1257")
    table = read(content)
    assert any("could not be determined" in note for note in table.notes)
    assert read_table(content, encoding="cp1257")["dzimums"][0] == "vīrietis"
    choices = {choice.encoding: choice.preview for choice in encoding_choices(content)}
    assert choices["cp1257"] == ("vīrietis;1",)
    assert encoding_choices("é".encode()) == []
    with pytest.raises(SpecError, match="unknown encoding 'klingon'"):
        read_table(content, encoding="klingon")
    with pytest.raises(InputError, match="could not be decoded as utf-8"):
        read_table(content, encoding="utf-8")


def test_one_accent_far_down_decides(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"name,y\n" + b"Ann,1\n" * 200_000 + "Łucja,0\nŚwięta,1\n".encode("cp1250"))
    assert guess_encoding(path, "t").encoding == "cp1250"
    assert read_table(path)["name"][-1] == "Święta"


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        (b"\xef\xbb\xbf\xef\xbb\xbfsex,y\nf,1\n", [("f", 1)]),
        ("ï»¿sex,y\nf,1\n".encode(), [("f", 1)]),
        ("\ufeff\ufeffsex,y\nf,1\n".encode("utf-16-le"), [("f", 1)]),
        (b"sex,y\r\nf,1\r\n\x1a", [("f", 1)]),
        (b"sex,y\nf,1\n\x1a\x1a\n", [("f", 1)]),
        (b"sex,y\rf,1\rm,0\r", [("f", 1), ("m", 0)]),
        (b"sex,y\nf,1\rm,0\nf,0\n", [("f", 1), ("m", 0), ("f", 0)]),
        (b'sex,y\r"f\nx",1\rm,0\r', [("f\nx", 1), ("m", 0)]),
        (b'sex,y\n"He said \\"hi\\", twice",1\n"x",0\n', [('He said "hi", twice', 1), ("x", 0)]),
        (b'sex,y\n"C:\\dir\\",1\n"x",0\n', [("C:\\dir\\", 1), ("x", 0)]),
        (b'sex, y\n"f, x", 1\n"m", 0\n', [("f, x", 1), ("m", 0)]),
        (b'y, sex\n1, "f, x"\n0, "m"\n', [(1, "f, x"), (0, "m")]),
        (b"sex,y\n'f, x',1\n'm',0\n", [("f, x", 1), ("m", 0)]),
        (b"sex,y,\nf,1,\nm,0,\n", [("f", 1), ("m", 0)]),
        (b"sex,y\nf,1,\nm,0,\n", [("f", 1), ("m", 0)]),
        (b"sex,y,\nf,1\nm,0\n", [("f", 1), ("m", 0)]),
        (b"sep=;\nsex;y\nf;1\n", [("f", 1)]),
        (b"sep=|\r\nsex|y\r\nf|1\r\n", [("f", 1)]),
        (b"# by us, in 2020\n# for you\nsex,y\nf,1\nm,0\n", [("f", 1), ("m", 0)]),
        (b"sex,y\nf,1\n# a break\nm,0\n", [("f", 1), ("m", 0)]),
        (b"Survey of 2020\n\nsex,y,z\n" + b"f,1,2\n" * 3, [("f", 1, 2)] * 3),
        (b"sex,y\n\\N,1\nm,0\n", [(None, 1), ("m", 0)]),
        (b"sex  y\nf    1\nm    0\n", [("f", 1), ("m", 0)]),
        (b"  y sex \n 31   f\n  4   m\n", [(31, "f"), (4, "m")]),
        (b"sex,y\nf,1,\nm,0\nf,1\n", [("f", 1), ("m", 0), ("f", 1)]),
        (b'sex,y\n="007",1\n="08",0\n', [("007", 1), ("08", 0)]),
        (b"sex,y\nf,1\nm,0\nf,0\n\nSource: us\n", [("f", 1), ("m", 0), ("f", 0)]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("as_path", [False, True])
def test_exports_of_other_programs(
    content: bytes, rows: list[object], as_path: bool, tmp_path: Path
) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    table = read(path if as_path else content)
    assert table.frame.rows() == rows
    assert {"sex", "y"} <= set(table.frame.columns)


def test_a_header_that_begins_with_a_hash_is_a_header() -> None:
    assert read_table(b"#id,sex,y\n1,f,0\n2,m,1\n").columns == ["#id", "sex", "y"]


def test_row_names_of_r_get_a_name() -> None:
    content = b'"sex" "age"\n"1" "f" 30\n"2" "m" 40\n"3" "f" 50\n'
    table = read(content)
    assert table.frame.columns == ["row_name", "sex", "age"]
    assert table.frame["age"].to_list() == [30, 40, 50]
    assert any("row_name" in note for note in table.notes)


def test_a_decimal_comma_without_quotes_is_not_taken_for_row_names() -> None:
    with pytest.raises(InputError, match="different number of cells"):
        read_table(b"sex,income\nF,1,5\nM,2,7\nF,3,5\n")


def test_two_lines_of_a_header_are_joined() -> None:
    table = read(b"Person,,Outcome\nsex,age,repaid\nf,30,1\nm,40,0\nf,50,1\n")
    assert table.frame.columns == ["Person sex", "Person age", "Outcome repaid"]
    assert table.frame.height == 3
    assert any("joined" in note for note in table.notes)
    units = read_table(b"sex,age,pay\n,(years),(USD)\nf,30,100\nm,40,200\n")
    assert units.columns == ["sex", "age (years)", "pay (USD)"]


@pytest.mark.parametrize("word", ["Total", "Summe:", "GESAMT", "合计", "Grand total (n = 4)"])
def test_rows_of_totals_are_left_out_and_numbered(word: str) -> None:
    rows = "f,30,1\nm,40,0\nf,50,1\nm,60,1\n"
    table = read(f"sex,age,y\n{rows}{word},180,3\n".encode())
    assert table.frame.height == 4
    assert any("row 6 was left out as totals" in note for note in table.notes)
    kept = read_table(f"sex,age,y\n{rows}{word},180,3\n".encode(), skip_rows=())
    assert kept.height == 5
    chosen = read(f"sex,age,y\n{rows}{word},180,3\n".encode(), skip_rows=(2, 6))
    assert chosen.frame["age"].to_list() == [40, 50, 60]
    assert any("rows 2, 6 were left out as chosen" in note for note in chosen.notes)


def test_rows_above_and_in_the_header_can_be_left_out_by_number() -> None:
    content = b"sex,age\n,(years)\nf,30\nm,40\nf,50\n"
    assert read_table(content).columns == ["sex", "age (years)"]
    table = read(content, skip_rows=(2, 4))
    assert table.frame.columns == ["sex", "age"]
    assert table.frame.rows() == [("f", 30), ("f", 50)]
    assert any("row 2 was left out as chosen" in note for note in table.notes)
    assert any("row 4 was left out as chosen" in note for note in table.notes)


def test_a_category_called_total_is_kept() -> None:
    rows = "total,30\npart,40\ntotal,50\npart,60\ntotal,10\n"
    assert read_table(f"cover,age\n{rows}".encode()).height == 5


CASES = {
    "no_header_mixed": lambda f: (f.height, f.columns[0]) == (80, "column_1"),
    "column_named_value": lambda f: f.columns == ["sex", "value", "variable", "y"],
    "encoding_cp1250": lambda f: f.to_series(0).to_list() == ["kobieta", "mężczyzna"],
    "long_ids_merge": lambda f: f["site"].n_unique() == 8 and f["site"].dtype == pl.String,
    "money_as_text": lambda f: f["pay"].head(2).to_list() == [1000.0, 2037.01],
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_cases_that_were_misread(case: str, shared_data: Path) -> None:
    path = shared_data.parent / "cases" / case / "input.csv"
    if not path.is_file():
        pytest.skip("the cases are not here")
    assert CASES[case](read_table(path))


def test_options_are_frozen_json() -> None:
    options = ReadingOptions(encoding="CP1250", header=False, skip_rows=(3,))
    assert ReadingOptions.model_validate_json(options.model_dump_json()) == options
    assert options.changed() == {"encoding": "cp1250", "header": False, "skip_rows": [3]}
    with pytest.raises(SpecError, match="no reading option 'seperator'"):
        read_table(b"a,b\n1,2\n", seperator=";")


_WORD = st.text(st.sampled_from("abcdeÄéñ ,;'|\n\""), min_size=1, max_size=6).map(
    lambda text: "w" + text.strip() + "w"
)


@settings(max_examples=120, deadline=None)
@given(
    rows=st.lists(
        st.tuples(_WORD, st.integers(-9999, 9999), st.sampled_from([0.5, 1.25, -3.75, 1234.5])),
        min_size=3,
        max_size=8,
    ),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252"]),
    end=st.sampled_from(["\n", "\r\n"]),
    decimal=st.sampled_from([".", ","]),
    header=st.booleans(),
)
def test_any_dialect_reads_back_equal(
    rows: list[tuple[str, int, float]],
    delimiter: str,
    encoding: str,
    end: str,
    decimal: str,
    header: bool,
) -> None:
    import csv
    import io

    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator=end)
    if header:
        writer.writerow(["first", "second", "third"])
    comma = decimal == "," and delimiter == ";"
    for word, number, fraction in rows:
        writer.writerow([word, number, str(fraction).replace(".", "," if comma else ".")])
    known = "cp1252" if encoding == "cp1252" else None  # these words are of no language
    frame = read_table(out.getvalue().encode(encoding), header=header, encoding=known)
    assert frame.columns == (
        ["first", "second", "third"] if header else [f"column_{i}" for i in (1, 2, 3)]
    )
    assert frame.rows() == rows


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_r_tables_with_decimal_commas_keep_their_row_names(delimiter: str) -> None:
    """`write.table(sep=";", dec=",")` gives row names no name."""
    names = delimiter.join(['"sex"', '"x"', '"y"'])
    rows = [delimiter.join([f'"{i}"', '"FM"'[i % 2 + 1].join('""'), f"0,{i + 11}", str(i % 2)])
            for i in range(40)]  # fmt: skip
    frame = read_table("\n".join([names, *rows]).encode())
    assert frame.columns == ["row_name", "sex", "x", "y"]
    assert frame["x"].to_list()[:2] == [0.11, 0.12]

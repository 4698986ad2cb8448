"""How a file is read from the command line: notes, options, and the same again by `repeat`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fairaudit import cli
from fairaudit.cli.reading import reading_options
from fairaudit.exceptions import SpecError

ROWS = "".join(
    f"{'fm'[i % 2]};{30 + i};{i % 3 % 2};{i % 5 % 2};1 00{i % 10},50\n" for i in range(60)
)


def _run(*arguments: str, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr("sys.argv", ["fairaudit", *arguments])
    try:
        cli.main()
    except SystemExit as done:
        return int(done.code or 0)
    return 0


def test_options_are_parsed() -> None:
    options = reading_options(
        ["encoding=cp1250", "skip_rows=7,9", "delimiter=tab", "text_columns=a,b"], header=False
    )
    assert options.encoding == "cp1250"
    assert options.skip_rows == (7, 9)
    assert options.delimiter == "\t"
    assert options.text_columns == ("a", "b")
    assert options.header is False
    assert reading_options(["skip_rows="], header=None).skip_rows == ()
    for pair, message in (
        ("x", "has no '='"),
        ("skip_rows=a", "row numbers"),
        ("x=1", "no reading"),
    ):
        with pytest.raises(SpecError, match=message):
            reading_options([pair], header=None)


def test_notes_reach_the_terminal_and_options_the_repeated_audit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    table, out = tmp_path / "people.csv", tmp_path / "out"
    table.write_text(ROWS)
    named = ["--target", "column_3", "--prediction", "column_4", "--sensitive", "column_1"]
    assert (
        _run(
            "audit", str(table), "--out", str(out), *named, "--no-header", monkeypatch=monkeypatch
        )
        == 0
    )
    said = capsys.readouterr().err
    assert "note: the file has no header" in said
    assert "note: column 'column_5': '1 000,50' was read as 1000.5" in said
    spec = json.loads((out / "spec.json").read_text())
    assert spec["reading"]["header"] is False
    again = tmp_path / "again"
    request = str(out / "spec.json")
    assert _run("repeat", str(table), request, "--out", str(again), monkeypatch=monkeypatch) == 0
    assert json.loads((again / "spec.json").read_text())["reading"] == spec["reading"]


def test_doctor_and_ingest_take_the_options_and_say_the_notes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "people.csv"
    table.write_text(ROWS)
    assert _run("doctor", str(table), "--header", "--json", monkeypatch=monkeypatch) == 0
    captured = capsys.readouterr()
    assert "column_1" not in captured.out
    assert "note: columns are separated by semicolon" in captured.err
    arguments = ["ingest", str(table), "--workspace", str(tmp_path / "w"), "--read", "decimal=."]
    assert _run(*arguments, monkeypatch=monkeypatch) == 0
    assert "note: the file has no header" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["doctor", "ingest", "audit"])
def test_an_address_elsewhere_is_refused_with_the_remedy(
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    extra = (
        ["--out", str(tmp_path / "o")] if command == "audit" else ["--workspace", str(tmp_path)]
    )
    assert _run(command, "s3://bucket/people.csv", *extra, monkeypatch=monkeypatch) == 2
    said = capsys.readouterr().err
    assert "'s3://bucket/people.csv' is an address on another machine" in said
    assert "download it" in said


def test_workbooks_that_would_exhaust_memory_are_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path(__file__).resolve().parents[2].parent / "shared/cases/workbook_ends_process"
    books = sorted(folder.glob("*.xlsx"))
    if not books:
        pytest.skip("the workbooks are not here")
    for book in books:
        assert _run("doctor", str(book), monkeypatch=monkeypatch) == 2
        assert capsys.readouterr().err.count("\n") == 1

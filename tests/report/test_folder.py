"""A report folder: the files it promises, the same numbers everywhere, hashes that hold."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairaudit import report
from fairaudit.audit.result import ERRORS, GAPS, AuditResult
from fairaudit.jobs.csv import safe_csv
from fairaudit.report.folder import records
from fairaudit.report.page import cell, strong
from fairaudit.text import numbers

ResultOf = Callable[[str], AuditResult]
HOSTILE = "<img src=x onerror=alert(1)>"
KINDS = ("systems", "linear", "rome", "sde", "medl", "sweep", "compare", "regression",
         "stress", "search")  # fmt: skip


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory, result_of: ResultOf):
    """Folder of a kind's report, written once."""
    made: dict[str, Path] = {}

    def of(kind: str) -> Path:
        if kind not in made:
            made[kind] = tmp_path_factory.mktemp(kind)
            report.write(result_of(kind), made[kind], title=f"Report on {kind}")
        return made[kind]

    return of


class Page(HTMLParser):
    """Tags, attributes and text of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def hostile() -> AuditResult:
    rows = [
        ("<b>m</b>", "test", HOSTILE, g, "tpr", 40, v, v - 0.1, v + 0.1, "estimated", 30.0, "W")
        for g, v in ((HOSTILE, 0.5), ('"><script>x</script>', 0.7), ("**bold**", 0.6))
    ]  # fmt: skip
    gap = ("<b>m</b>", "test", HOSTILE, "tpr", "difference", 0.2, 0.1, 0.3, "estimated", 0.15,
           HOSTILE, "Newcombe")  # fmt: skip
    return AuditResult(
        {
            "errors": pl.DataFrame(rows, schema=ERRORS, orient="row"),
            "gaps": pl.DataFrame([gap], schema=GAPS, orient="row"),
        },
        {"method": HOSTILE, "target": HOSTILE, "warnings": [HOSTILE], "rows": {"test": 40}},
        {"spec": {"title": HOSTILE, "kind": "train", "roles": {"target": HOSTILE}}},
    )


@pytest.mark.parametrize("kind", KINDS)
def test_every_promised_file_is_there(kind: str, written, result_of: ResultOf) -> None:
    names = {p.relative_to(written(kind)).as_posix() for p in written(kind).rglob("*.*")}
    promised = {
        "summary.json", "errors.parquet", "gaps.parquet", "report.html", "report.json",
        "spec.json", "manifest.json", "model_card.md", "csv/errors.csv", "csv/gaps.csv",
    }  # fmt: skip
    extra = {f"{n}.parquet" for n in ("selection", "latent", "effects")
             if n in result_of(kind).tables}  # fmt: skip
    assert promised | extra <= names


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_stands_alone_and_stays_small(kind: str, written) -> None:
    html = (written(kind) / "report.html").read_text("utf-8")
    page = Page(html)
    assert len(html) < 1_000_000
    assert not {"script", "link", "iframe", "object", "form"} & set(page.tags)
    outside = [
        v for k, v in page.attributes if k in ("src", "href") and not (v or "").startswith("#")
    ]
    assert outside == []
    assert "url(" not in html
    assert "prefers-color-scheme: dark" in html
    assert "@media print" in html


def test_the_manifest_holds_the_hash_of_every_other_file(written) -> None:
    folder = written("rome")
    manifest = json.loads((folder / "manifest.json").read_text())
    found = {
        p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in folder.rglob("*")
        if p.is_file() and p.name != "manifest.json"
    }
    assert manifest["files"] == found


def test_tables_come_back_as_they_were(written, result_of: ResultOf) -> None:
    result = result_of("linear")
    assert pl.read_parquet(written("linear") / "errors.parquet").equals(result.errors)
    assert pl.read_parquet(written("linear") / "gaps.parquet").equals(result.gaps)


def test_rows_of_people_are_not_among_the_csv_files(written) -> None:
    names = {p.stem for p in (written("rome") / "csv").iterdir()}
    assert not names & {"people", "predictions", "latent"}


@pytest.mark.parametrize("kind", ["linear", "systems", "regression"])
def test_numbers_in_the_page_are_those_of_the_tables(
    kind: str, written, result_of: ResultOf
) -> None:
    text = " ".join(Page((written(kind) / "report.html").read_text("utf-8")).text)
    split = "all" if kind == "systems" else "test"
    rows = result_of(kind).errors.filter(
        (pl.col("attribute") == result_of(kind).summary["sensitive"][0])
        & (pl.col("split") == split)
        & pl.col("value").is_not_null()
    )
    assert rows.height
    for row in rows.head(200).iter_rows(named=True):
        assert cell(row["value"]) in text
    metric = "tpr" if kind != "regression" else "mse"
    shown = rows.filter((pl.col("metric") == metric) & (pl.col("model") == rows["model"][0]))
    values = sorted(shown["value"].to_list())
    assert numbers.value(values[0], metric) in text
    assert numbers.value(values[-1], metric) in text


def test_machine_and_reader_are_told_the_same(written) -> None:
    told = json.loads((written("rome") / "report.json").read_text("utf-8"))
    text = " ".join(
        "".join(Page((written("rome") / "report.html").read_text("utf-8")).text).split()
    )
    for section in told["sections"]:
        assert section["title"] in text
        for sentence in section["sentences"]:
            assert " ".join(sentence.split()) in text


def test_the_rows_told_to_machines_are_the_rows_of_the_table(written, result_of: ResultOf) -> None:
    told = json.loads((written("linear") / "report.json").read_text("utf-8"))
    section = next(s for s in told["sections"] if s["title"] == "Errors by sex")
    own = result_of("linear").errors.filter(
        (pl.col("attribute") == "sex") & (pl.col("split") == "test")
    )
    key = ["model", "group", "metric"]
    shown = {tuple(r[k] for k in key): r["value"] for r in section["rows"]}
    assert shown == {tuple(r[k] for k in key): r["value"] for r in own.iter_rows(named=True)}


def test_names_from_data_do_nothing_in_the_page(tmp_path: Path) -> None:
    report.write(hostile(), tmp_path, title=HOSTILE)
    html = (tmp_path / "report.html").read_text("utf-8")
    page = Page(html)
    assert not {"img", "script", "b"} & set(page.tags)
    assert not [k for k, _ in page.attributes if k.startswith("on")]
    assert HOSTILE in "".join(page.text)


def test_names_from_data_do_nothing_in_the_model_card(tmp_path: Path) -> None:
    report.write(hostile(), tmp_path, title=HOSTILE)
    card = (tmp_path / "model_card.md").read_text("utf-8")
    outside_code = re.sub(r"```shell.*?```", "", card, flags=re.S)
    assert not re.search(r"(?<!\\)<", outside_code)


@pytest.mark.parametrize("kind", KINDS)
def test_json_is_strict(kind: str, written) -> None:
    def refuse(text: str) -> None:
        raise AssertionError(f"{text} is no JSON")

    for path in written(kind).glob("*.json"):
        json.loads(path.read_text("utf-8"), parse_constant=refuse)


def test_undefined_numbers_become_null_in_json() -> None:
    rows = records(pl.DataFrame({"x": [1.0, float("nan"), float("inf"), None]}))
    assert rows == [{"x": 1.0}, {"x": None}, {"x": None}, {"x": None}]


@given(st.lists(st.text(alphabet=st.characters(codec="utf-8"), max_size=12), max_size=8))
def test_no_cell_of_a_csv_starts_a_formula(texts: list[str]) -> None:
    table = pl.DataFrame({"name": texts}, schema={"name": pl.String})
    rows = list(csv.reader(io.StringIO(safe_csv(table), newline="")))
    for text in (r[0] for r in rows[1:] if r):
        assert text[:1] not in {"=", "+", "-", "@", "\t", "\r"}


def test_negative_numbers_stay_numbers_in_csv() -> None:
    assert safe_csv(pl.DataFrame({"x": [-1.5], "=y": ["=1+1"]})) == "x,'=y\n-1.5,'=1+1\n"


def test_writing_twice_gives_the_same_bytes(tmp_path: Path, result_of: ResultOf) -> None:
    for name in ("a", "b"):
        report.write(result_of("systems"), tmp_path / name, title="Twice")
    first, second = ((tmp_path / n / "manifest.json").read_bytes() for n in ("a", "b"))
    assert first == second


def test_a_result_without_any_rows_still_has_a_report(tmp_path: Path) -> None:
    paths = report.write(AuditResult({}), tmp_path, title="Nothing")
    assert (tmp_path / "report.html").exists()
    assert paths[-1].name == "manifest.json"


@pytest.mark.parametrize(
    ("sentence", "html"),
    [
        ("a **b** c", "a <strong>b</strong> c"),
        ("<i> **&** ", "&lt;i&gt; <strong>&amp;</strong> "),
        ("odd ** mark", "odd ** mark"),
    ],
)
def test_sentences_are_escaped_and_set_off(sentence: str, html: str) -> None:
    assert strong(sentence) == html


def test_a_rule_is_told_with_its_citation_and_what_it_does_not_set(
    tmp_path: Path, result_of: ResultOf
) -> None:
    own = result_of("systems")
    rule = {
        "name": "rule", "title": "A rule", "version": "1", "citation": "Code 1.2", "url": "https://x",
        "retrieved": "2026-01-01", "sentences": ["The ratio is 0.91."], "not_set": ["No line."],
    }  # fmt: skip
    tables = {**own.tables, "preset_ratios": pl.DataFrame({"group": ["a"], "ratio": [0.91]})}
    told = AuditResult(tables, {**own.summary, "preset": rule}, own.provenance)
    report.write(told, tmp_path, title="Rule")
    text = " ".join(Page((tmp_path / "report.html").read_text("utf-8")).text)
    for part in (
        "The ratio is 0.91.",
        "Code 1.2",
        "What this rule does not set: No line.",
        "0.910",
    ):
        assert part in text
    assert "not a legal conclusion" in text


def test_stress_tests_have_their_sections_with_charts_and_tables(
    written, result_of: ResultOf
) -> None:
    told = json.loads((written("stress") / "report.json").read_text("utf-8"))
    parts = {s["title"]: s for s in told["sections"] if s["title"].startswith("Stress test")}
    assert list(parts) == [
        f"Stress test: {n}"
        for n in ("shift", "wrong groups", "ablation", "objectives", "time", "flips")
    ]
    tables = result_of("stress").tables
    assert len(parts["Stress test: shift"]["rows"]) == tables["stress_shift"].height
    assert "draws" in parts["Stress test: shift"]["sentences"][0]
    page = (written("stress") / "report.html").read_text("utf-8")
    assert page.count("Loss of the worst-off group") >= 2
    assert (written("stress") / "csv" / "stress_ablation.csv").is_file()


def test_probes_and_search_are_told_in_the_report(written) -> None:
    page = (written("search") / "report.html").read_text("utf-8")
    assert "Stress test: probes" in page
    assert re.search(r"[0-9]+ trials of loss weights", page)
    assert "Slopes aside, clusters account for" in page

"""The command line as a user types it: files written, exit codes, messages without tracebacks."""

from __future__ import annotations

import hashlib
import json
import shlex
import sys
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from fairaudit.audit.spec import AuditSpec
from fairaudit.cli import app, demonstration, main
from fairaudit.cli.audit_commands import parameters
from fairaudit.cli.options import names
from fairaudit.data.samples import SAMPLES
from fairaudit.exceptions import SpecError
from fairaudit.jobs.spec import JobSpec
from fairaudit.jobs.workspace import Workspace
from fairaudit.report.command import command_of
from tests.sizes import nightly, size

LENDING = str(SAMPLES["lending"].path)
ALWAYS = ("summary.json", "errors.parquet", "gaps.parquet", "report.html", "spec.json")


def typed(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """Exit code of the command line with these words."""
    monkeypatch.setattr(sys, "argv", ["fairaudit", *words])
    try:
        main()
    except SystemExit as done:
        return int(done.code or 0)
    return 0


def _lending(*more: str) -> list[str]:
    """The words for the lending sample by one attribute: three with crossings take 25 s of CPU."""
    return [LENDING, "--target", str(SAMPLES["lending"].roles.target), "--sensitive", "sex", *more]


def test_run_writes_every_promised_file_and_a_manifest_that_holds(monkeypatch, tmp_path):
    out = tmp_path / "out"
    words = _lending("--method", "linear", "--out", str(out), "--seed", "3")
    assert typed(monkeypatch, "run", *words) == 0
    for name in (*ALWAYS, "manifest.json"):
        assert (out / name).is_file(), name
    manifest = json.loads((out / "manifest.json").read_text("utf-8"))
    for name, digest in manifest["files"].items():
        assert hashlib.sha256((out / name).read_bytes()).hexdigest() == digest
    assert manifest["data_sha256"] == hashlib.sha256(Path(LENDING).read_bytes()).hexdigest()
    spec = json.loads((out / "spec.json").read_text("utf-8"))
    assert spec["seed"] == 3


def test_the_same_command_gives_the_same_numbers(monkeypatch, tmp_path):
    for name in ("a", "b"):
        words = _lending("--method", "linear", "--out", str(tmp_path / name))
        assert typed(monkeypatch, "run", *words) == 0
    first, second = (pl.read_parquet(tmp_path / n / "errors.parquet") for n in ("a", "b"))
    assert first.equals(second)


@pytest.mark.parametrize(
    "asked",
    [
        {"kind": "predictions", "method": "existing", "intersections": 1, "confidence": 0.8},
        *nightly(
            {
                "kind": "compare",
                "method": "linear",
                "params": {"methods": ["linear", "linear-s"], "seeds": 2},
                "split": {"by": "rows", "test": 0.3, "validation": 0.1},
            }
        ),
    ],
    ids=lambda asked: str(asked["kind"]),
)
def test_the_command_of_a_report_gives_the_numbers_of_a_job(monkeypatch, tmp_path, asked):
    table = tmp_path / "loans of 2025.csv"
    pl.read_csv(LENDING, n_rows=500).write_csv(table)
    workspace = Workspace(tmp_path / "workspace")
    roles = SAMPLES["lending"].roles.model_copy(update={"sensitive": ("sex",)})
    spec = AuditSpec.model_validate({"roles": roles, "n_boot": 100, **asked})
    data = workspace.ingest(table, name=table.name).sha256
    job = workspace.run_now(JobSpec(dataset=data, audit=spec, device="cpu"))
    first = workspace.result(job)
    monkeypatch.chdir(tmp_path)
    words = shlex.split(command_of(first))
    assert words[-1] == "DIR"
    assert typed(monkeypatch, *words[1:], "--device", "cpu") == 0
    for name in ("errors", "gaps"):
        assert pl.read_parquet(tmp_path / "DIR" / f"{name}.parquet").equals(first.tables[name])


def test_a_request_that_is_neither_file_nor_text_is_refused(monkeypatch, tmp_path, capsys):
    words = ["repeat", LENDING, str(tmp_path / "none.json"), "--out", str(tmp_path)]
    assert typed(monkeypatch, *words) == 2
    assert "spec.json of a report" in capsys.readouterr().err


def test_systems_in_the_table_are_judged_on_the_same_test_rows(monkeypatch, tmp_path):
    systems = SAMPLES["lending"].roles.predictions
    words = _lending(
        "--method", "linear", "--out", str(tmp_path), "--prediction", ",".join(systems)
    )
    assert typed(monkeypatch, "run", *words) == 0
    errors = pl.read_parquet(tmp_path / "errors.parquet")
    overall = errors.filter(
        pl.col("attribute") == "all", pl.col("metric") == "accuracy", pl.col("split") == "test"
    )
    assert {"linear", *systems} <= set(overall["model"])
    assert overall["n"].n_unique() == 1


def test_audit_of_existing_predictions_needs_no_training(monkeypatch, tmp_path):
    roles = SAMPLES["lending"].roles
    words = _lending("--prediction", ",".join(roles.predictions), "--out", str(tmp_path))
    assert typed(monkeypatch, "audit", *words) == 0
    errors = pl.read_parquet(tmp_path / "errors.parquet")
    frame = pl.read_csv(LENDING)
    everybody = errors.filter(pl.col("attribute") == "all", pl.col("metric") == "accuracy")
    assert set(everybody["n"]) == {frame.height}
    for system in roles.predictions:
        right = (frame[system] == frame[str(roles.target)]).mean()
        value = everybody.filter(pl.col("model") == system)["value"].item()
        assert value == pytest.approx(right, abs=1e-12)


def test_a_table_in_a_database_gives_the_numbers_of_the_file(monkeypatch, tmp_path):
    duckdb = pytest.importorskip("duckdb", reason="the extra 'sql' is not installed")
    with duckdb.connect(str(tmp_path / "loans.db")) as connection:
        connection.execute(
            "CREATE TABLE loans AS SELECT * FROM read_csv(?, all_varchar = true)", [LENDING]
        )
    asked = ["--target", "repaid", "--positive", "yes", "--prediction", "decision_a"]
    asked += ["--sensitive", "sex"]
    sources = {"db": f"duckdb:///{tmp_path / 'loans.db'}::loans", "file": LENDING}
    for name, source in sources.items():
        assert typed(monkeypatch, "audit", source, *asked, "--out", str(tmp_path / name)) == 0
    keys = ["attribute", "group", "metric"]
    a, b = (
        pl.read_parquet(tmp_path / name / "errors.parquet")
        .filter(pl.col("model") == "decision_a", pl.col("metric") == "tpr")
        .select(*keys, "n", "value", "low", "high")
        .sort(keys)
        for name in sources
    )
    assert a.height == 3
    assert a.equals(b)


def test_a_zip_of_images_runs_like_a_table(monkeypatch, tmp_path):
    words = ["--target", "finding", "--sensitive", "tone", "--method", "erm"]
    words += ["--param", "max_epochs=1", "--out", str(tmp_path)]
    assert typed(monkeypatch, "run", str(SAMPLES["shapes"].path), *words) == 0
    errors = pl.read_parquet(tmp_path / "errors.parquet")
    assert set(errors.filter(pl.col("attribute") == "tone")["group"]) == {"dark", "light"}


def test_a_password_in_an_address_reaches_no_file_and_no_message(monkeypatch, tmp_path, capsys):
    source = "postgresql://auditor:secret@127.0.0.1:1/people::loans"
    asked = ["--target", "y", "--prediction", "p", "--sensitive", "sex", "--out", str(tmp_path)]
    assert typed(monkeypatch, "audit", source, *asked) == 2
    assert "secret" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["run", LENDING, "--target", "nonsense", "--method", "linear"], "nonsense"),
        (["run", "nowhere.csv", "--method", "linear"], "nowhere.csv"),
        (["run", *_lending("--method", "magic")], "magic"),
        (["run", *_lending("--method", "linear", "--param", "alpha")], "alpha"),
        (["sweep", *_lending("--groups", "1-8")], "1-8"),
        (["compare", *_lending("--methods", "erm")], "two methods"),
        (["audit", *_lending("--prediction", "nobody")], "nobody"),
        (["run", *_lending("--method", "linear", "--seed", "-1")], "seed"),
        (["run", *_lending("--method", "linear", "--device", "tpu")], "auto, cpu, cuda"),
        (["run", *_lending("--method", "linear", "--split-by", "moon")], "by: Input should be"),
        (["sweep", *_lending("--groups", "1..100000")], "at most 64 groups"),
        (["run", *_lending("--method", "rome-em", "--param", "nonsense=3")], "nonsense"),
        (["sweep", *_lending("--groups", "1..2", "--param", "nonsense=3")], "nonsense"),
        (
            ["compare", *_lending("--methods", "linear,rome-em", "--param", "nonsense=3")],
            "parameter 'nonsense' is known to none of linear, rome-em",
        ),
        (["compare", *_lending("--methods", "erm,linear", "--param", "n_groups=2")], "n_groups"),
        (
            ["compare", *_lending("--methods", "linear,rome-em", "--param", "n_groups=many")],
            "n_groups of rome-em: expected a whole number",
        ),
    ],
)
def test_a_wrong_request_is_exit_code_2_and_one_line_that_names_it(
    monkeypatch, tmp_path, capsys, words, named
):
    assert typed(monkeypatch, *words, "--out", str(tmp_path / "out")) == 2
    said = capsys.readouterr().err
    assert named in said
    assert "Traceback" not in said
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_refused_before_the_work(monkeypatch, tmp_path, capsys):
    (tmp_path / "file").write_text("x")
    for out in (tmp_path / "file", tmp_path / "file" / "deep" / "er"):
        for words in (["run", *_lending("--method", "magic")], ["audit", *_lending()], ["demo"]):
            assert typed(monkeypatch, *words, "--out", str(out)) == 2
            assert "is a file; name another" in capsys.readouterr().err


def test_an_error_of_the_disk_is_exit_code_1_without_a_traceback(monkeypatch, tmp_path, capsys):
    def full(*_, **__):
        raise OSError(28, "No space left on device", "errors.parquet")

    monkeypatch.setattr("fairaudit.report.write", full)
    words = _lending("--prediction", "decision_a", "--out", str(tmp_path / "out"))
    assert typed(monkeypatch, "audit", *words) == 1
    assert "'errors.parquet': No space left on device" in capsys.readouterr().err


def test_a_table_that_is_too_large_is_a_wrong_request(monkeypatch, tmp_path, capsys):
    path = tmp_path / "wide.csv"
    path.write_text(",".join(f"c{i}" for i in range(10_001)) + "\n")
    assert typed(monkeypatch, "doctor", str(path)) == 2
    assert typed(monkeypatch, "ingest", str(path), "--workspace", str(tmp_path / "w")) == 2
    assert capsys.readouterr().err.count("at most 10,000 are read") == 2


def test_a_request_without_its_fields_names_them(monkeypatch, tmp_path, capsys):
    (tmp_path / "spec.json").write_text("{}")
    words = ["submit", str(tmp_path / "spec.json"), "--workspace", str(tmp_path / "w")]
    assert typed(monkeypatch, *words) == 2
    assert "dataset: Field required; audit: Field required" in capsys.readouterr().err


def test_without_a_command_the_help_is_shown(monkeypatch, capsys):
    assert typed(monkeypatch) == 2
    said = capsys.readouterr()
    assert "Commands" in said.out
    assert "fairaudit: name a command" in said.err


def test_who_names_a_system_has_no_other_judged(monkeypatch, tmp_path):
    words = _lending("--prediction", "decision_a", "--out", str(tmp_path))
    assert typed(monkeypatch, "audit", *words) == 0
    assert set(pl.read_parquet(tmp_path / "errors.parquet")["model"]) == {"decision_a"}


def test_an_earlier_report_leaves_no_table_behind(monkeypatch, tmp_path):
    (tmp_path / "mine.txt").write_text("kept")
    (tmp_path / "latent.parquet").write_bytes(b"of another audit")
    files = {"latent.parquet": "0", "../outside.txt": "0"}
    (tmp_path / "manifest.json").write_text(json.dumps({"made_with": "x", "files": files}))
    outside = tmp_path.parent / "outside.txt"
    outside.write_text("kept")
    words = _lending("--method", "linear", "--out", str(tmp_path))
    assert typed(monkeypatch, "run", *words) == 0
    manifest = json.loads((tmp_path / "manifest.json").read_text("utf-8"))
    there = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*.parquet")}
    assert there == {name for name in manifest["files"] if name.endswith(".parquet")}
    assert (tmp_path / "mine.txt").is_file()
    assert outside.is_file()


def test_a_sheet_is_named_behind_the_workbook(monkeypatch, tmp_path, capsys):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for title, column in (("first", "colour"), ("the second", "hired")):
        sheet = book.create_sheet(title)
        for row in [("sex", column), *[("f", 1), ("m", 0)] * 20]:
            sheet.append(row)
    book.save(tmp_path / "people.xlsx")
    source = f"{tmp_path / 'people.xlsx'}::the second"
    room = ["--workspace", str(tmp_path / "w")]
    assert typed(monkeypatch, "doctor", source, "--json") == 0
    assert json.loads(capsys.readouterr().out)["roles"]["target"] == "hired"
    assert typed(monkeypatch, "ingest", source, *room, "--json") == 0
    assert json.loads(capsys.readouterr().out)["names"] == ["sex", "hired"]
    assert typed(monkeypatch, "doctor", f"{tmp_path / 'people.xlsx'}::third") == 2
    assert "it has 'Sheet', 'first', 'the second'" in capsys.readouterr().err


def test_ingest_submit_list_and_export_through_a_workspace(monkeypatch, tmp_path, capsys):
    room = ["--workspace", str(tmp_path / "workspace")]
    assert typed(monkeypatch, "ingest", LENDING, *room, "--json") == 0
    dataset = json.loads(capsys.readouterr().out)["sha256"]
    roles = {**SAMPLES["lending"].roles.model_dump(mode="json"), "sensitive": ["sex"]}
    spec = {"dataset": dataset, "audit": {"roles": roles, "method": "linear", "title": "loans"}}
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(spec), "utf-8")
    assert typed(monkeypatch, "submit", str(path), "--wait", "--json", *room) == 0
    job = json.loads(capsys.readouterr().out)["job"]
    assert typed(monkeypatch, "jobs", "--json", *room) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [(row["id"], row["state"]) for row in listed] == [(job, "succeeded")]
    assert typed(monkeypatch, "export", job, str(tmp_path / "out"), *room, "--json") == 0
    written = [Path(name) for name in json.loads(capsys.readouterr().out)]
    assert all(path.is_file() for path in written)
    assert all((tmp_path / "out" / name).is_file() for name in ALWAYS)


def test_a_job_that_fails_is_exit_code_1_and_says_why(monkeypatch, tmp_path, capsys):
    room = ["--workspace", str(tmp_path / "workspace")]
    assert typed(monkeypatch, "ingest", LENDING, *room, "--json") == 0
    dataset = json.loads(capsys.readouterr().out)["sha256"]
    roles = SAMPLES["lending"].roles.model_dump(mode="json")
    spec = {"dataset": dataset, "audit": {"roles": roles, "method": "magic"}}
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(spec), "utf-8")
    assert typed(monkeypatch, "submit", str(path), "--wait", *room) == 1
    assert "magic" in capsys.readouterr().err


def test_doctor_names_the_sensitive_columns_as_json(monkeypatch, capsys):
    assert typed(monkeypatch, "doctor", LENDING, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert set(SAMPLES["lending"].roles.sensitive) <= set(found["roles"]["sensitive"])


def test_options_with_several_columns_and_values():
    assert names(" a, b ,,c") == ("a", "b", "c")
    assert names('"pay, gross", 5" pipe') == ("pay, gross", '5" pipe')
    assert parameters(["k=3", "x=[1, 2]", "name=soft", "on=true"]) == {
        "k": 3,
        "x": [1, 2],
        "name": "soft",
        "on": True,
    }
    with pytest.raises(SpecError, match="no '='"):
        parameters(["k"])


def test_every_command_stands_in_the_guide():
    guide = (Path(__file__).parents[2] / "docs" / "use.md").read_text("utf-8")
    commands = [c.name or c.callback.__name__ for c in app.registered_commands]
    assert [name for name in commands if name not in guide] == []


@pytest.mark.slow
def test_demo_judges_existing_systems_latent_groups_and_the_no_harm_choice(monkeypatch, tmp_path):
    if size(0, 1) == 0:  # by day the same walk by one attribute and with short fits
        lending = SAMPLES["lending"]
        short = replace(lending, roles=lending.roles.model_copy(update={"sensitive": ("sex",)}))
        monkeypatch.setattr(demonstration, "SAMPLES", {"lending": short})
        methods = {
            "rome-em": {"n_groups": 2, "n_init": 1},
            "fair-sde": {"attributes": ["sex"], "max_epochs": 5},
        }
        monkeypatch.setattr(demonstration, "METHODS", methods)
    assert typed(monkeypatch, "demo", "--out", str(tmp_path), "--json") == 0
    for name in (*ALWAYS, "manifest.json", "latent.parquet", "selection.parquet"):
        assert (tmp_path / name).is_file(), name
    models = set(pl.read_parquet(tmp_path / "errors.parquet")["model"])
    assert {"rome-em", "fair-sde", *SAMPLES["lending"].roles.predictions} <= models


def test_choose_writes_who_gets_which_system_and_certificates(monkeypatch, tmp_path, capsys):
    frame = pl.read_csv(SAMPLES["lending"].path)
    table = tmp_path / "lending.csv"
    frame.write_csv(table)
    out = tmp_path / "choice"
    roles = SAMPLES["lending"].roles
    asked = ["choose", str(table), "--target", roles.target, "--baseline", "decision_a"]
    asked += ["--candidates", "decision_b", "--sensitive", "sex,ethnicity", "--out", str(out)]
    assert typed(monkeypatch, *asked) == 0
    assert "Certificates:" in capsys.readouterr().out
    summary = json.loads((out / "summary.json").read_text())
    choice = pl.read_csv(out / "choice.csv")
    assert summary["schema"] == "fairaudit/choice/1"
    assert set(summary["chosen"]) == set(choice["group"])
    assert set(summary["chosen"].values()) <= {"decision_a", "decision_b"}
    assert len(json.loads((out / "certificates.json").read_text())) == choice.height
    assert pl.read_csv(out / "overlapping.csv")["attribute"].unique().sort().to_list() == [
        "ethnicity",
        "sex",
    ]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (["--baseline", "nobody"], "no column named 'nobody'"),
        (["--metric", "f1"], "metric: expected one of accuracy"),
        (["--objective", "best"], "objective: expected one of min_gap"),
        (["--candidates", "decision_a"], "other than the baseline"),
        (["--sensitive", ""], "groups: name at least one attribute"),
        (["--target", ""], "name the outcome by --target"),
        (["--metric", "neg_mse"], "does not fit a binary outcome"),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, list) else "",
)
def test_a_choice_that_cannot_be_made_says_why(monkeypatch, tmp_path, capsys, changed, said):
    asked = {
        "--target": SAMPLES["lending"].roles.target,
        "--baseline": "decision_a",
        "--candidates": "decision_b",
        "--sensitive": "sex",
        "--out": str(tmp_path / "out"),
    }
    asked |= dict([changed])
    options = [part for pair in asked.items() for part in pair]
    assert typed(monkeypatch, "choose", str(SAMPLES["lending"].path), *options) == 2
    assert said in capsys.readouterr().err

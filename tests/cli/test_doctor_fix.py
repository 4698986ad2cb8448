"""`fairaudit doctor --fix` writes a request with the safe mends, which `repeat` runs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
from typer.testing import CliRunner

from fairaudit.audit.spec import AuditSpec
from fairaudit.cli import app

RUN = CliRunner()
N = 240


def _table(folder: Path) -> Path:
    k = np.arange(N)
    path = folder / "people.csv"
    pl.DataFrame({
        "sex": [("Female", "female", "Male")[i % 3] for i in k],
        "income": [(">50K", "<=50K", ">50K", "<=50K", ">50K.", "<=50K.")[i % 6] for i in k],
        "pred": [(">50K.", "<=50K")[i * i % 7 % 2] for i in k],
    }).write_csv(path)  # fmt: skip
    return path


def test_near_equal_labels_stop_an_audit_and_are_joined_by_the_request(tmp_path: Path) -> None:
    path, request = _table(tmp_path), tmp_path / "request.json"
    named = ["--target", "income", "--prediction", "pred", "--sensitive", "sex"]
    refused = RUN.invoke(app, ["audit", str(path), *named, "--out", str(tmp_path / "a")])
    assert refused.exit_code != 0
    fixed = RUN.invoke(app, ["doctor", str(path), "--fix", "--out", str(request), "--json"])
    assert fixed.exit_code == 0, fixed.output
    spec = AuditSpec.model_validate_json(request.read_bytes())
    assert {m.column for m in spec.roles.mends} == {"sex", "income", "pred"}
    assert len(json.loads(fixed.stdout)["mends"]) == 3
    out = tmp_path / "b"
    done = RUN.invoke(app, ["repeat", str(path), str(request), "--out", str(out), "--json"])
    assert done.exit_code == 0, done.output
    summary = json.loads(done.stdout)["summary"]
    assert sorted(summary["classes"]) == ["<=50K", ">50K"]
    assert any("'female' as 'Female'" in line for line in summary["mends"])
    assert "Changes to the data before the audit" in (out / "report.html").read_text("utf-8")


def test_what_can_be_mended_says_so(tmp_path: Path) -> None:
    shown = RUN.invoke(app, ["doctor", str(_table(tmp_path))])
    assert "--fix does it" in " ".join(shown.stdout.split())


def test_a_request_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    out = tmp_path / "no" / "such" / "request.json"
    refused = RUN.invoke(app, ["doctor", str(_table(tmp_path)), "--fix", "--out", str(out)])
    assert refused.exit_code != 0
    assert not out.exists()

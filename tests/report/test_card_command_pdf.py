"""The model card keeps blanks blank; the command can be pasted; a PDF comes from the same page."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from fairaudit.audit.result import AuditResult
from fairaudit.audit.spec import AuditSpec
from fairaudit.exceptions import SpecError
from fairaudit.report import write
from fairaudit.report.command import command_of
from fairaudit.report.model_card import BLANK, model_card
from fairaudit.report.pdf import pdf_of
from fairaudit.text import numbers

ResultOf = Callable[[str], AuditResult]


def test_what_is_not_known_stays_blank(result_of: ResultOf) -> None:
    card = model_card(result_of("linear"), title="Card")
    for question in ("Primary uses", "Risks and harms", "Where the data come from"):
        assert f"- {question}: {BLANK}" in card


def test_the_card_follows_the_nine_sections_of_its_source(result_of: ResultOf) -> None:
    card = model_card(result_of("linear"), title="Card")
    heads = [line[3:] for line in card.splitlines() if line.startswith("## ")]
    assert heads == [
        "Model details", "Intended use", "Factors", "Metrics", "Evaluation data",
        "Training data", "Quantitative analyses", "Ethical considerations",
        "Caveats and recommendations",
    ]  # fmt: skip


def test_the_card_holds_unitary_and_intersectional_values(result_of: ResultOf) -> None:
    result = result_of("linear")
    card = model_card(result, title="Card")
    assert "### Unitary: sex" in card
    assert "### Intersectional: sex × ethnicity" in card
    row = result.errors.filter(
        (pl.col("attribute") == "sex") & (pl.col("metric") == "tpr")
        & (pl.col("split") == "test") & (pl.col("model") == "linear")
    ).row(0, named=True)  # fmt: skip
    assert numbers.value(row["value"], "tpr") in card


def test_a_recorded_command_is_kept() -> None:
    assert command_of(AuditResult({}, {}, {"command": "fairaudit demo"})) == "fairaudit demo"


def test_a_command_follows_from_the_request(result_of: ResultOf) -> None:
    bare = AuditResult({}, {}, {"spec": result_of("rome").provenance["spec"]})
    words = shlex.split(command_of(bare))
    assert words[:3] == ["fairaudit", "repeat", "TABLE"]
    assert AuditSpec.model_validate_json(words[3]).model_dump(mode="json") == dict(
        bare.provenance["spec"]
    )


def test_column_names_with_blanks_survive_the_shell() -> None:
    spec = {
        "kind": "train",
        "method": "erm",
        "roles": {"target": "two year; rm -rf", "sensitive": ["it's $(x)"]},
    }
    request = shlex.split(command_of(AuditResult({}, {}, {"spec": spec})))[3]
    roles = AuditSpec.model_validate_json(request).roles
    assert (roles.target, roles.sensitive) == ("two year; rm -rf", ("it's $(x)",))


def test_without_a_request_there_is_no_command() -> None:
    assert command_of(AuditResult({})) == ""


def test_the_page_becomes_a_pdf(tmp_path: Path, result_of: ResultOf) -> None:
    pytest.importorskip("weasyprint")
    write(result_of("tiny"), tmp_path, title="PDF")
    content = pdf_of((tmp_path / "report.html").read_text("utf-8"))
    assert content.startswith(b"%PDF-")
    assert len(content) > 10_000


def test_a_missing_extra_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    with pytest.raises(SpecError, match=r"pip install 'fairaudit\[report\]'"):
        pdf_of("<p>hello</p>")

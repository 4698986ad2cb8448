"""On which rows a rule was counted is said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fairaudit.audit.run import run_audit
from fairaudit.audit.spec import AuditSpec
from fairaudit.data.dataset import Dataset
from fairaudit.data.reading.table import read_table
from fairaudit.data.samples import SAMPLES
from fairaudit.report.sections import sections
from fairaudit.text.sentences.presets import counted_rows

SAMPLE = SAMPLES["lending"]


@pytest.mark.parametrize("preset", ["four-fifths", "nyc-ll144"])
def test_a_trained_model_is_counted_on_rows_it_has_not_seen(preset: str) -> None:
    roles = SAMPLE.roles.model_copy(update={"sensitive": ("sex", "ethnicity"), "split": None})
    frame = read_table(SAMPLE.path).head(800)
    spec = AuditSpec(
        roles=roles, method="linear", preset=preset, n_boot=50, title="t", metrics=("accuracy",)
    )
    result = run_audit(Dataset(frame, roles), spec)
    words = counted_rows(result)
    rows = result.tables["predictions"].filter(model="linear").height
    assert rows < 800
    assert words.startswith(f"Counted on the {rows:,} rows for validation and test")
    assert "trained on are not counted" in words
    [rule] = [s for s in sections(result) if s.title == result.summary["preset"]["title"]]
    assert rule.sentences[0] == words


def test_other_rules_and_audits_without_one_say_nothing() -> None:
    roles = SAMPLE.roles.model_copy(update={"sensitive": ("sex",)})
    frame = read_table(SAMPLE.path).head(400)
    spec = AuditSpec(
        roles=roles, kind="predictions", method="existing", preset="model-card", n_boot=50,
        title="t",
    )  # fmt: skip
    result = run_audit(Dataset(frame, roles), spec)
    assert counted_rows(result) == ""
    assert counted_rows(replace(result, summary={**result.summary, "preset": None})) == ""

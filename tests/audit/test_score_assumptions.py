"""What an audit assumes of scores is said: whose score it is, and the cut that nobody stated."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from fairaudit.audit.run import run_audit
from fairaudit.audit.spec import AuditSpec
from fairaudit.data.dataset import Dataset
from fairaudit.data.roles import ColumnRoles

RNG = np.random.default_rng(5)
Y = RNG.integers(0, 2, 300)
FRAME = pl.DataFrame(
    {
        "sex": RNG.choice(["f", "m"], 300),
        "hired": Y,
        "recruiter": RNG.integers(0, 2, 300),
        "tool_b": RNG.integers(0, 2, 300),
        "ai_rank": RNG.integers(20, 100, 300) - 40 * Y,
        "tool_b_score": RNG.random(300),
    }
)


def _warnings(**roles: Any) -> list[str]:
    named = ColumnRoles(target="hired", sensitive=("sex",), **roles)
    spec = AuditSpec(roles=named, kind="predictions", n_boot=0, intersections=1)
    return list(run_audit(Dataset(FRAME, named), spec).summary["warnings"])


def test_a_score_that_joins_a_decision_of_another_name_is_named() -> None:
    said = " ".join(_warnings(predictions=("recruiter",), scores=("ai_rank",)))
    assert "'ai_rank' is taken as the score behind 'recruiter'" in said
    assert "The score of 'recruiter' ranks the positive class below the other one" in said
    assert "--cut 'recruiter" not in said  # a decision has no cut
    assert "--cut ai_rank=" in said


def test_the_score_of_a_named_system_joins_it_without_a_remark() -> None:
    assert _warnings(predictions=("tool_b",), scores=("tool_b_score",)) == []


@pytest.mark.parametrize(
    ("cuts", "said"), [({}, True), ({"tool_b_score": {"at": 0.5, "side": "above"}}, False)]
)
def test_a_cut_that_nobody_stated_is_said(cuts: dict[str, Any], said: bool) -> None:
    found = " ".join(_warnings(scores=("tool_b_score",), cuts=cuts))
    assert ("has no stated cut, so 0.5 was assumed" in found) == said

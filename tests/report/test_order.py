"""What an audit of decisions tells first: what they do to whom, then where they err."""

from __future__ import annotations

import numpy as np
import polars as pl

from fairaudit.audit.run import run_audit
from fairaudit.audit.spec import AuditSpec
from fairaudit.data.dataset import Dataset
from fairaudit.data.roles import ColumnRoles
from fairaudit.report.page import in_short
from fairaudit.report.sections import sections


def test_false_flags_lead_an_audit_of_decisions() -> None:
    rng = np.random.default_rng(0)
    n = 1200
    x, sex = rng.normal(size=n), rng.choice(["f", "m"], n)
    recid = rng.integers(0, 2, n)
    wrong = rng.random(n) < np.where(x > 0.5, 0.6, np.where(sex == "m", 0.3, 0.05))
    tool = np.where(wrong, 1 - recid, recid)
    frame = pl.DataFrame({"x": x, "sex": sex, "recid": recid, "tool": tool})
    roles = ColumnRoles(target="recid", features=("x",), sensitive=("sex",), predictions=("tool",))
    result = run_audit(
        Dataset(frame, roles), AuditSpec(roles=roles, kind="predictions", n_boot=99)
    )
    assert result.summary["latent_findings"]
    assert "wrongly flags" in in_short(result, sections(result))[0]

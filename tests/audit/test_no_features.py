"""A table without features: every method that learns from them says so, none fails otherwise."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from fairaudit.audit.catalog import METHODS
from fairaudit.audit.run import run_audit
from fairaudit.audit.spec import AuditSpec
from fairaudit.data.dataset import Dataset
from fairaudit.data.roles import ColumnRoles
from fairaudit.exceptions import SpecError

WITH_SENSITIVE = [name for name in METHODS if name.endswith("-s")]
ROLES = ColumnRoles(target="y", sensitive=("sex",), cluster="site", positive="1", meaning="good")


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    chance = np.random.default_rng(0)
    return pl.DataFrame(
        {
            "_row": np.arange(200),
            "y": chance.integers(0, 2, 200),
            "sex": chance.choice(["f", "m"], 200),
            "site": chance.choice(list("abcdef"), 200),
        }
    )


@pytest.mark.parametrize("method", [name for name in METHODS if name not in WITH_SENSITIVE])
def test_a_table_without_features_is_refused(table: pl.DataFrame, method: str) -> None:
    spec = AuditSpec(roles=ROLES, method=method)
    with pytest.raises(SpecError, match=r"no column is a feature.*choose at least one"):
        run_audit(Dataset(table, ROLES), spec)


def test_sensitive_columns_alone_are_enough_for_methods_that_see_them(table: pl.DataFrame) -> None:
    assert WITH_SENSITIVE
    spec = AuditSpec(roles=ROLES, method="linear-s", metrics=("accuracy",))
    assert run_audit(Dataset(table, ROLES), spec).errors.height

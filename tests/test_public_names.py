"""What `import fairaudit` promises, and what it must not cost."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import fairaudit

ESTIMATORS = ("RomeEM", "RomeMoE", "FairSDE", "FairMEDL")
PUBLIC = {
    *ESTIMATORS,
    "audit_predictions",
    "run_audit",
    "choose_between",
    "choose_no_harm",
    "read_table",
    "ColumnRoles",
    "Dataset",
    "AuditSpec",
    "AuditResult",
    "Workspace",
}


def test_exactly_the_promised_names_are_public():
    assert set(fairaudit.__all__) == PUBLIC | {"__version__"}


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_every_public_name_loads_and_is_documented(name):
    value = getattr(fairaudit, name)
    assert inspect.getdoc(value)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nonsense"):
        fairaudit.nonsense  # noqa: B018


@pytest.mark.parametrize("name", ESTIMATORS)
def test_estimators_share_the_words_that_mean_the_same(name):
    made = inspect.signature(getattr(fairaudit, name).__init__).parameters
    fitted = inspect.signature(getattr(fairaudit, name).fit).parameters
    assert {"random_state", "device"} <= set(made)
    assert {"sensitive_features", "sample_weight"} <= set(fitted)


def test_screens_side_names_load_without_torch_and_scikit_learn():
    code = (
        "import sys, fairaudit\n"
        "from fairaudit import audit_predictions, read_table, ColumnRoles, Dataset, AuditSpec\n"
        "from fairaudit import AuditResult, Workspace, choose_no_harm\n"
        "import fairaudit.audit.catalog, fairaudit.report, fairaudit.data.doctor.diagnosis\n"
        "heavy = {'torch', 'sklearn', 'streamlit'} & set(sys.modules)\n"
        "sys.exit(','.join(heavy) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr

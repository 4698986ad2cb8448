"""fairaudit: fairness audits with latent groups, training and a no-harm decision.

Public names are loaded on first use, so that importing the package costs nothing
(screens must never pull in torch).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fairaudit._version import __version__ as __version__

_HOME = {
    "RomeEM": "fairaudit.methods.rome.em",
    "RomeMoE": "fairaudit.methods.rome.moe",
    "FairSDE": "fairaudit.methods.fair_sde.estimator",
    "FairMEDL": "fairaudit.methods.fair_medl.estimator",
    "choose_between": "fairaudit.audit.no_harm.choose_between",
    "choose_no_harm": "fairaudit.methods.no_harm",
    "audit_predictions": "fairaudit.audit.predictions",
    "run_audit": "fairaudit.audit.run",
    "AuditSpec": "fairaudit.audit.spec",
    "AuditResult": "fairaudit.audit.result",
    "read_table": "fairaudit.data.reading.table",
    "ColumnRoles": "fairaudit.data.roles",
    "Dataset": "fairaudit.data.dataset",
    "Workspace": "fairaudit.jobs.workspace",
}

__all__ = sorted([*_HOME, "__version__"])

if TYPE_CHECKING:
    from fairaudit.audit.no_harm.choose_between import choose_between as choose_between
    from fairaudit.audit.predictions import audit_predictions as audit_predictions
    from fairaudit.audit.result import AuditResult as AuditResult
    from fairaudit.audit.run import run_audit as run_audit
    from fairaudit.audit.spec import AuditSpec as AuditSpec
    from fairaudit.data.dataset import Dataset as Dataset
    from fairaudit.data.reading.table import read_table as read_table
    from fairaudit.data.roles import ColumnRoles as ColumnRoles
    from fairaudit.jobs.workspace import Workspace as Workspace
    from fairaudit.methods.fair_medl.estimator import FairMEDL as FairMEDL
    from fairaudit.methods.fair_sde.estimator import FairSDE as FairSDE
    from fairaudit.methods.no_harm import choose_no_harm as choose_no_harm
    from fairaudit.methods.rome.em import RomeEM as RomeEM
    from fairaudit.methods.rome.moe import RomeMoE as RomeMoE


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'fairaudit' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__

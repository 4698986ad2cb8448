"""Real results for sentences: small audits, run once a process."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fairaudit.audit.result import AuditResult
from tests import audits


@pytest.fixture(scope="session")
def result_of() -> Callable[[str], AuditResult]:
    """The result of a finished audit by kind: `result_of("rome")`."""
    return audits.result

"""Compare: which model is best for whom, on the same rows, with paired intervals."""

from __future__ import annotations

from fairaudit.plots import compare
from fairaudit.ui import choices, layout, opened

audit = opened.open_audit("compare")

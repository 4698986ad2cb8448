"""Report: what to hand over, with the same numbers as the screen."""

from __future__ import annotations

from fairaudit.ui import layout, opened

audit = opened.open_audit("report")

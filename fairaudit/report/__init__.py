"""Reports: one HTML page, JSON, CSV, a model card and a manifest, all from the result's tables."""

from fairaudit.report.folder import write

__all__ = ["write"]

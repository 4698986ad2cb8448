"""What a workspace allows: quota, limits, retention and who is let in."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fairaudit.exceptions import SpecError
from fairaudit.jobs import _disk
from fairaudit.jobs.users import Role

_NAME = _disk.SETTINGS


class Settings(BaseModel):
    """Settings of one workspace, stored beside its data.

    Parameters
    ----------
    disk_quota_mb : int or None
        New data and jobs are refused while the workspace is larger.
    memory_limit_mb : int or None
        A job that needs more is ended with that reason; a job's own limit may only be lower.
    retention_days : float or None
        Finished audits older than this are removed by `fairaudit jobs --prune` and the
        supervisor, and after them the data sets nobody uses.
    cancel_grace_s : float
        Seconds between the kind and the firm end of a cancelled job.
    default_role : {"viewer", "auditor", "admin"} or None
        Role of people who logged in and were given none; None shows them nothing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    disk_quota_mb: int | None = Field(None, ge=1)
    memory_limit_mb: int | None = Field(None, ge=64)
    retention_days: float | None = Field(None, gt=0)
    cancel_grace_s: float = Field(30.0, gt=0)
    default_role: Role | None = None

    @classmethod
    def load(cls, root: Path) -> Settings:
        """Settings of the workspace, the defaults when it has none.

        Raises
        ------
        SpecError
            When the file is not valid.
        """
        try:
            return cls.model_validate_json((root / _NAME).read_bytes())
        except FileNotFoundError:
            return cls()
        except ValidationError as error:
            raise SpecError(
                f"'{root / _NAME}' is not valid: {error}; mend or delete it"
            ) from error

    def save(self, root: Path) -> None:
        """Store these settings with the workspace."""
        _disk.write_whole(root / _NAME, self.model_dump_json(indent=1).encode())

"""Settings of a workspace: quota, limits, retention and the default role."""

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
        New datasets and jobs are refused while the workspace is larger.
    memory_limit_mb : int or None
        A job that uses more is stopped with that reason; a job's own limit may only be lower.
    retention_days : float or None
        Finished audits older than this are deleted by `fairaudit jobs --prune` and by the
        supervisor, and then the datasets that are no longer used.
    cancel_grace_s : float
        Seconds a cancelled job has to stop before it is killed.
    default_role : {"viewer", "auditor", "admin"} or None
        Role of users who have logged in and have none; with None they see nothing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    disk_quota_mb: int | None = Field(None, ge=1)
    memory_limit_mb: int | None = Field(None, ge=64)
    retention_days: float | None = Field(None, gt=0)
    cancel_grace_s: float = Field(30.0, gt=0)
    default_role: Role | None = None

    @classmethod
    def load(cls, root: Path) -> Settings:
        """Load the settings of a workspace, or the defaults if it has none.

        Raises
        ------
        SpecError
            If the file is invalid.
        """
        try:
            return cls.model_validate_json((root / _NAME).read_bytes())
        except FileNotFoundError:
            return cls()
        except ValidationError as error:
            raise SpecError(
                f"'{root / _NAME}' is not valid: {error}; correct or delete it"
            ) from error

    def save(self, root: Path) -> None:
        """Save these settings in the workspace."""
        _disk.write_whole(root / _NAME, self.model_dump_json(indent=1).encode())

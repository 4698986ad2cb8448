"""What a job is asked to do: one data set, one audit, one device."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from fairaudit.audit.spec import AuditSpec, Device


class JobSpec(BaseModel):
    """Everything a worker needs to know, apart from the data themselves.

    Parameters
    ----------
    dataset : str
        SHA-256 of the ingested content, 64 hexadecimal digits.
    audit : AuditSpec
    device : {"auto", "cpu", "cuda"}
    memory_limit_mb : int or None
        The job is ended with that reason when it needs more.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str = Field(pattern=r"^[0-9a-f]{64}$")
    audit: AuditSpec
    device: Device = "auto"
    memory_limit_mb: int | None = Field(None, ge=64)

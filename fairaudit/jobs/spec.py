"""The specification of a job: one dataset, one audit, one device."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from fairaudit.audit.spec import AuditSpec, Device


class JobSpec(BaseModel):
    """Everything a worker needs, except the data.

    Parameters
    ----------
    dataset : str
        SHA-256 of the ingested content, 64 hexadecimal digits.
    audit : AuditSpec
    device : {"auto", "cpu", "cuda"}
    memory_limit_mb : int or None
        A job that uses more is stopped with that reason.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str = Field(pattern=r"^[0-9a-f]{64}$")
    audit: AuditSpec
    device: Device = "auto"
    memory_limit_mb: int | None = Field(None, ge=64)

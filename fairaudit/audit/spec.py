"""The frozen specification of an audit: the same spec and data always mean the same work."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue

from fairaudit.audit.presets.preset_inputs import PresetOptions
from fairaudit.audit.questions import PrimaryQuestion
from fairaudit.data.reading.options import INFERRED, ReadingOptions
from fairaudit.data.roles import ColumnRoles
from fairaudit.data.splits import SplitSpec
from fairaudit.inputs.options import check_confidence
from fairaudit.stats.estimates import REPLICATES

Device = Literal["auto", "cpu", "cuda"]


class AuditSpec(BaseModel):
    """One audit: roles, method and how it is judged.

    `kind` is "train" (fit `method`, audit its held-out predictions), "predictions" (audit the
    systems already in the table), "sweep" (the what-if on the number of groups), "compare"
    (several methods on the same splits, `params["methods"]` and `params["seeds"]`) or "stress".
    `margin` and `primary` are declared before results are seen: the gap that is too small to
    matter, and the one question that needs no correction for the others. `controls` are columns
    within whose levels groups are compared as well.
    `suppress_below` hides groups with fewer rows; `merge_below` merges them into one beforehand.
    `reading` is how the file was read where that was not inferred, so that it is read alike again.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    roles: ColumnRoles
    kind: Literal["train", "predictions", "sweep", "compare", "stress"] = "train"
    method: str = "erm"
    params: dict[str, JsonValue] = Field(default_factory=dict)
    split: SplitSpec = SplitSpec()
    seed: int = Field(0, ge=0)
    metrics: tuple[str, ...] | None = None
    confidence: Annotated[float, AfterValidator(check_confidence)] = 0.95
    n_boot: int = Field(REPLICATES, ge=0)
    intersections: int = Field(2, ge=1, le=6)
    suppress_below: int = Field(0, ge=0)
    merge_below: int = Field(0, ge=0)
    controls: tuple[str, ...] = ()
    margin: float | None = Field(None, gt=0)
    primary: PrimaryQuestion | None = None
    preset: str | None = None
    preset_options: PresetOptions = PresetOptions()
    projection: Literal["pca", "umap"] = "pca"
    title: str = ""
    reading: ReadingOptions = INFERRED

    def digest(self) -> str:
        """SHA-256 of the canonical JSON."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

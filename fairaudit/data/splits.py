"""How rows are divided into training, validation and test rows, without leakage."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class SplitSpec(BaseModel):
    """How rows are divided: by rows (stratified by target × group), cluster or a column."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    by: Literal["rows", "cluster", "column"] = "rows"
    validation: float = Field(0.2, gt=0, lt=1)
    test: float = Field(0.2, gt=0, lt=1)

    @model_validator(mode="after")
    def _leaves_training_rows(self) -> Self:
        if self.validation + self.test >= 0.95:
            raise ValueError(
                "validation and test together leave less than 5% of the rows for training; "
                "lower one of them"
            )
        return self


DEFAULT_SPLIT = SplitSpec()

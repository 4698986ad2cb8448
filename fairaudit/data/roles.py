"""Which column plays which part: the frozen answer to "what is what in this table"."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, model_validator

Task = Literal["binary", "multiclass", "regression"]


class ColumnRoles(BaseModel):
    """Columns by role.

    Parameters
    ----------
    target : str or None
        The outcome. None only for audits of selections without a known outcome.
    features : tuple of str
        Columns a model may see. Sensitive columns belong here only if the user says so.
    sensitive : tuple of str
        Declared sensitive attributes.
    cluster : str or None
        Site, school, occupation: rows of one cluster are not independent.
    weight : str or None
        Non-negative row weight.
    predictions : tuple of str
        Label (or value) columns of existing systems or human decisions.
    scores : tuple of str
        Score columns of existing systems, higher = more positive.
    image : str or None
        Column with image paths inside the archive or folder.
    row_id : str
        Created at ingestion, never recomputed.
    task : {"binary", "multiclass", "regression"}
    positive : str or None
        The positive label, as text, of a binary target.
    split : str or None
        A column that says train / validation / test.

    Raises
    ------
    pydantic.ValidationError
        When one column plays two parts that exclude each other.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    target: str | None = None
    features: tuple[str, ...] = ()
    sensitive: tuple[str, ...] = ()
    cluster: str | None = None
    weight: str | None = None
    predictions: tuple[str, ...] = ()
    scores: tuple[str, ...] = ()
    image: str | None = None
    row_id: str = "_row"
    task: Task = "binary"
    positive: str | None = None
    split: str | None = None

    @model_validator(mode="after")
    def _one_part_each(self) -> Self:
        if self.target is not None and self.target in self.sensitive:
            raise ValueError(
                f"column '{self.target}' cannot be target and sensitive at once; "
                "drop it from one of the two"
            )
        if self.target is not None and self.target in self.features:
            raise ValueError(
                f"column '{self.target}' is the target and cannot be a feature; "
                "remove it from the features"
            )
        for part in ("features", "sensitive", "predictions", "scores"):
            names = getattr(self, part)
            if len(set(names)) != len(names):
                twice = next(n for n in names if names.count(n) > 1)
                raise ValueError(f"column '{twice}' is named twice among the {part}")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns with a role, each once, in a fixed order."""
        single = (self.target, self.cluster, self.weight, self.image, self.split)
        named = [*self.features, *self.sensitive, *self.predictions, *self.scores]
        return tuple(dict.fromkeys([*named, *(c for c in single if c is not None)]))

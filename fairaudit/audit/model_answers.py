"""The answers of all models of a result side by side, row by row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import polars as pl

from fairaudit.audit import reanalysis
from fairaudit.audit.result import AuditResult
from fairaudit.exceptions import SpecError

Selection = Literal["wrong", "fp", "fn", "disagree", "all"]
_ERRORS = {"fp": (0, 1), "fn": (1, 0)}  # actual and predicted class


@dataclass(frozen=True)
class ModelAnswers:
    """Answers of several models to the same rows.

    Attributes
    ----------
    models : tuple of str
        In the order of the result.
    rows : DataFrame
        row, y, group, and one column `answer: MODEL` per model.
    """

    models: tuple[str, ...]
    rows: pl.DataFrame

    @staticmethod
    def column(model: str) -> str:
        """The column with the answers of a model."""
        return f"answer: {model}"

    def selected(self, selection: Selection, model: str) -> pl.DataFrame:
        """Rows by what a model answers, or on which the models disagree.

        Raises
        ------
        SpecError
            For a model that is not in the result.
        """
        if model not in self.models:
            raise SpecError(
                f"the audit has no model '{model}'; choose one of {', '.join(self.models)}"
            )
        answer = pl.col(self.column(model))
        if selection == "wrong":
            return self.rows.filter(answer != pl.col("y"))
        if selection == "disagree":
            return self.rows.filter(self._disagree())
        if selection in _ERRORS:
            actual, predicted = _ERRORS[selection]
            return self.rows.filter((pl.col("y") == actual) & (answer == predicted))
        return self.rows

    def _disagree(self) -> pl.Expr:
        first, *others = (pl.col(self.column(model)) for model in self.models)
        return pl.any_horizontal([first != other for other in others] or [pl.lit(value=False)])


def answers_side_by_side(result: AuditResult, *, attribute: str, split: str) -> ModelAnswers:
    """Answers of every model to the rows of a split, with each row's group under an attribute.

    Raises
    ------
    SpecError
        When the result stores no predictions, or no such attribute.
    """
    models = tuple(result.errors["model"].unique(maintain_order=True).to_list())
    rows: pl.DataFrame | None = None
    for model in models:
        answers = reanalysis.rows_with_groups(
            result, model=model, split=split, attribute=attribute
        ).select("row", "y", "group", pl.col("label").alias(ModelAnswers.column(model)))
        if rows is None:
            rows = answers
        else:
            rows = rows.join(answers.drop("y", "group"), on="row", maintain_order="left")
    if rows is None:
        raise SpecError("the audit has no models whose answers could be shown")
    return ModelAnswers(models, rows)

"""What the Data page shows of a table, computed once: first rows, column values, diagnosis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from fairaudit.data.doctor.diagnosis import Diagnosis, examine
from fairaudit.data.labels import label_text
from fairaudit.data.mends import Mend, mended

_FIRST = 100  # rows of the preview
_SAMPLE = 10_000  # rows that show whether a column has few enough values to list
_MOST = 200  # values a column may have to be offered as options


@dataclass(frozen=True)
class Overview:
    """A table without its rows.

    Attributes
    ----------
    preview : polars.DataFrame
        The first rows.
    levels : mapping of str to tuple of str
        Distinct values as text, of columns with few enough of them.
    """

    rows: int
    columns: tuple[str, ...]
    preview: pl.DataFrame
    levels: Mapping[str, tuple[str, ...]]
    diagnosis: Diagnosis


def overview(
    frame: pl.DataFrame,
    mends: Sequence[Mend] = (),
    *,
    target: str | None = None,
    row_id: str = "_row",
) -> Overview:
    """Examine a table as the mends read it, for the outcome that was chosen, if one was."""
    frame = mended(frame, mends)
    columns = tuple(c for c in frame.columns if c != row_id)
    shown = frame.select(columns)
    return Overview(
        frame.height,
        columns,
        shown.head(_FIRST),
        {c: levels for c in columns if (levels := _levels(frame.get_column(c))) is not None},
        examine(frame, mends=mends, target=target),
    )


def _levels(column: pl.Series) -> tuple[str, ...] | None:
    """Distinct values in order, None when there are too many to choose from."""
    if column.dtype.is_nested() or column.head(_SAMPLE).n_unique() > 2 * _MOST:
        return None
    distinct = column.drop_nulls().unique().sort()
    return tuple(label_text(distinct)) if len(distinct) <= _MOST else None

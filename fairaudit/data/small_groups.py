"""Small groups merged into one before an audit, as a mend that its request and report state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from fairaudit.data.encoding import is_number
from fairaudit.data.grouping import MOST_VALUES
from fairaudit.data.labels import label_text
from fairaudit.data.mends import JoinLabels

OTHER = "Other"
OTHER_WORDS = frozenset(
    ("other", "others", "andere", "sonstige", "otro", "otros", "autre", "autres")
)


def merging(frame: pl.DataFrame, attributes: Sequence[str], below: int) -> tuple[JoinLabels, ...]:
    """The mends that merge the groups under `below` rows of each attribute.

    Parameters
    ----------
    frame : the table, as earlier mends read it; all its rows count
    attributes : sensitive columns; numbers with many values are cut at quartiles and stay
    below : rows under which a group is small; 0 merges nothing
    """
    mends = []
    for name in attributes if below else ():
        values = frame[name]
        many = is_number(values.dtype) and values.dtype != pl.Boolean
        if many and values.drop_nulls().n_unique() > MOST_VALUES:
            continue
        counts = label_text(values).drop_nulls().value_counts()
        into = merged_labels(dict(counts.iter_rows()), below)
        mends += [JoinLabels(column=name, into=into)] if into else []
    return tuple(mends)


def merged_labels(rows: Mapping[str, float], below: int) -> dict[str, str]:
    """The label of the merged group for every group that joins it.

    All groups under `below` rows join, and the next smallest until they are two groups with
    `below` rows together. A group called "other" is the merged one. Nothing is merged where
    fewer than two groups would be left.

    Parameters
    ----------
    rows : how many rows each group has, without those that gave no answer
    below : rows under which a group is small
    """
    ordered = sorted(rows, key=lambda name: (rows[name], name))
    if not ordered or rows[ordered[0]] >= below:
        return {}
    other = next((name for name in ordered if name.strip().lower() in OTHER_WORDS), None)
    joined = [] if other is None else [other]
    for name in (name for name in ordered if name != other):
        enough = len(joined) > 1 and sum(rows[j] for j in joined) >= below
        if rows[name] >= below and enough:
            break
        joined.append(name)
    if len(joined) == len(ordered) or len(joined) < 2:
        return {}
    return {name: other or OTHER for name in joined if name != other}

"""Whether the things a user passes together describe the same rows in the same order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

from fairaudit.exceptions import InputError


def refusal(what: str, expected: str, got: str, remedy: str) -> InputError:
    """An error in the common form for invalid inputs."""
    return InputError(f"{what}: expected {expected}, got {got}; {remedy}")


def counted(n: int, noun: str) -> str:
    """A number of things.

    >>> counted(1, "row"), counted(2, "row")
    ('1 row', '2 rows')
    """
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def same_rows(**columns: Any) -> None:
    """Refuse pandas objects with the same row labels in another order.

    Rows are joined by position everywhere, so that such objects would be joined wrongly without
    a word. Objects with other labels altogether, or none, are taken by position as usual.

    Raises
    ------
    InputError
        With the names of both arguments and the remedy.
    """
    labelled = [(name, index) for name, value in columns.items() for index in _row_labels(value)]
    for (one, a), (other, b) in combinations(labelled, 2):
        if _reordered(a, b):
            raise refusal(
                other,
                f"rows in the order of {one}",
                "the same index labels in another order",
                f"align them, as in {other}.loc[{one}.index], or call reset_index(drop=True) on "
                "both if the order is right as it is",
            )


def _row_labels(value: Any) -> Iterator[Any]:
    """The pandas index of a frame or Series, or those of the columns of a mapping."""
    if isinstance(value, Mapping):
        for column in value.values():
            yield from _row_labels(column)
        return
    index = getattr(value, "index", None)
    if hasattr(index, "isin") and hasattr(index, "equals"):
        yield index


def _reordered(a: Any, b: Any) -> bool:
    if a is b or len(a) != len(b) or a.equals(b):
        return False
    return bool(a.isin(b).all() and b.isin(a).all())

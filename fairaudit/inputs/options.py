"""Options of audits and estimators: each kind is checked by one function, in one form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fairaudit.exceptions import SpecError
from fairaudit.inputs.arrays import is_integer, is_number


def wrong(name: str, expected: str, got: Any, remedy: str = "") -> SpecError:
    """An error in the common form for invalid options."""
    end = f"; {remedy}" if remedy else ""
    return SpecError(f"{name}: expected {expected}, got {got!r}{end}")


def check_confidence(value: Any, name: str = "confidence") -> float:
    """The level of intervals and bounds: above 0.5 and below 1.

    At 0.5 an interval is as likely to miss the truth as to hold it, and a one-sided bound is the
    estimate itself: at or below that, nothing is stated with confidence. At 1 every interval is
    infinite.

    Raises
    ------
    SpecError
        When it is something else.
    """
    if isinstance(value, bool) or not is_number(value) or not 0.5 < value < 1:
        raise wrong(name, "a number above 0.5 and below 1", value, "such as 0.95")
    return float(value)


def check_count(value: Any, name: str, least: int = 0) -> int:
    """A whole number.

    Raises
    ------
    SpecError
        When it is something else, or too small.
    """
    if isinstance(value, bool) or not is_integer(value) or value < least:
        raise wrong(name, f"a whole number of at least {least}", value)
    return int(value)


def check_tolerance(value: Any, name: str = "tolerance") -> float:
    """A number of 0 or more.

    Raises
    ------
    SpecError
        When it is something else.
    """
    if isinstance(value, bool) or not is_number(value) or not value >= 0:
        raise wrong(name, "a number of 0 or more", value)
    return float(value)


def check_choice(value: Any, name: str, known: Sequence[str]) -> None:
    """One of several names.

    Raises
    ------
    SpecError
        When it is none of them.
    """
    if not isinstance(value, str) or value not in known:
        raise wrong(name, f"one of {', '.join(known)}", value)


def check_name(value: Any, name: str) -> None:
    """Text that is not empty.

    Raises
    ------
    SpecError
        When it is something else.
    """
    if not isinstance(value, str) or not value:
        raise wrong(name, "a name", value)


def check_names(value: Any, name: str, remedy: str = "") -> list[str]:
    """Several names, or one.

    Raises
    ------
    SpecError
        When something in it is no text.
    """
    if isinstance(value, str):
        return [value]
    try:
        names = list(value)
    except TypeError:
        raise wrong(name, "a list of names", value, remedy) from None
    odd = [item for item in names if not isinstance(item, str)]
    if odd:
        raise wrong(name, "a list of names", odd[0], remedy)
    return names

"""Numbers, times and lists as people say them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime


def count(number: int, noun: str, plural: str | None = None) -> str:
    """`1 row`, `32,561 rows`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def listed(names: Sequence[str], *, most: int = 4) -> str:
    """`a, b and c`; beyond `most`, `a, b, c and 7 more`."""
    names = list(names)
    if len(names) > most:
        return f"{', '.join(names[: most - 1])} and {len(names) - most + 1} more"
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def duration(seconds: float | None) -> str:
    """`0.4 s`, `12 s`, `3 min 5 s`, `2 h 10 min`."""
    if seconds is None:
        return "–"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def ago(then: float | None, *, now: float | None = None) -> str:
    """How long ago a POSIX time was: `just now`, `5 min ago`, `3 h ago`, else the date (UTC)."""
    if then is None:
        return "–"
    seconds = (datetime.now(UTC).timestamp() if now is None else now) - then
    if seconds < 45:
        return "just now"
    if seconds < 3600:
        return f"{max(1, round(seconds / 60))} min ago"
    if seconds < 86_400:
        return f"{round(seconds / 3600)} h ago"
    return datetime.fromtimestamp(then, UTC).strftime("%Y-%m-%d %H:%M UTC")


def percent(share: float) -> str:
    """`12%`, `3.4%`, `0.2%`."""
    return f"{share:.0%}" if share >= 0.1 else f"{share:.1%}"


def bytes_(number: float) -> str:
    """`12 kB`, `3.4 MB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000 or unit == "GB":
            return (
                f"{number:.0f} {unit}" if number >= 10 or unit == "B" else f"{number:.1f} {unit}"
            )
        number /= 1000
    raise AssertionError(number)

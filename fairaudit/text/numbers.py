"""Every number as a reader expects it: one format for each quantity."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from fairaudit.text.metric_words import is_rate

# -- values and differences of metrics --------------------------------------------------------


def value(number: float | None, metric: str, *, signed: bool = False) -> str:
    """A value in words: 12.3%, 0.842, or "–" where it is undefined."""
    if number is None or number != number:
        return "–"
    if is_rate(metric):
        return f"{100 * number:{'+' if signed else ''}z.1f}%"
    return number_text(number, signed=signed)


def points(number: float | None, metric: str, *, signed: bool = False) -> str:
    """A difference in words: "12.3 points" for rates."""
    if number is None or number != number:
        return "–"
    if is_rate(metric):
        return f"{100 * number:{'+' if signed else ''}z.1f} points"
    return number_text(number, signed=signed)


def number_text(number: float | None, *, signed: bool = False) -> str:
    """Three decimals near one, thousands separated above, three digits below."""
    if number is None or number != number:
        return "–"
    sign = "+" if signed else ""
    size = abs(number)
    if size >= 1000:
        return f"{number:{sign},.0f}"
    if size >= 0.01 or size == 0:
        return f"{number:{sign}z.3f}"
    if size >= 0.0001:
        return f"{number:{sign}.4f}"
    return f"{number:{sign}.2e}"


def interval(low: float | None, high: float | None, metric: str) -> str:
    """An interval in words, or "" where there is none."""
    if low is None or high is None or low != low or high != high:
        return ""
    return f"{value(low, metric)} to {value(high, metric)}"


def points_interval(low: float | None, high: float | None, metric: str) -> str:
    """An interval of a difference in words, "8.0 to 16.1", or "" where there is none."""
    if not interval(low, high, metric):
        return ""
    return " to ".join(points(end, metric).removesuffix(" points") for end in (low, high))


def points_with_interval(
    number: float | None,
    low: float | None,
    high: float | None,
    metric: str,
    *,
    signed: bool = False,
) -> str:
    """A difference with its interval in words: "12.3 points (8.0 to 16.1)"."""
    span, shown = points_interval(low, high, metric), points(number, metric, signed=signed)
    return f"{shown} ({span})" if span else shown


def value_with_interval(
    number: float | None, low: float | None, high: float | None, metric: str, *, mark: str = ""
) -> str:
    """A value with its interval in words: "82.3% (79.0% to 85.1%)"; `mark` surrounds the value."""
    span, shown = interval(low, high, metric), f"{mark}{value(number, metric)}{mark}"
    return f"{shown} ({span})" if span else shown


def rows(count: float | None) -> str:
    """A number of rows in words."""
    if count is None:
        return "no rows"
    return f"{count:,.0f} row" + ("" if count == 1 else "s")


# -- counts, times, sizes and lists ----------------------------------------------------------


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

"""Numbers, times and lists as people say them."""

from __future__ import annotations

import pytest

from fairaudit.text import numbers


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, "–"),
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (59.4, "59 s"),
        (185, "3 min 5 s"),
        (7800, "2 h 10 min"),
    ],
)
def test_durations(seconds: float | None, said: str) -> None:
    assert numbers.duration(seconds) == said


@pytest.mark.parametrize(
    ("then", "said"),
    [(None, "–"), (990, "just now"), (700, "5 min ago"), (-9800, "3 h ago")],
)
def test_how_long_ago(then: float | None, said: str) -> None:
    assert numbers.ago(then, now=1000) == said


def test_long_ago_is_a_date() -> None:
    assert numbers.ago(0, now=10 * 86_400) == "1970-01-01 00:00 UTC"


def test_lists_end_with_and() -> None:
    assert numbers.listed([]) == ""
    assert numbers.listed(["a"]) == "a"
    assert numbers.listed(["a", "b"]) == "a and b"
    assert numbers.listed(list("abcdefg")) == "a, b, c and 4 more"


def test_counts_agree_with_their_noun() -> None:
    assert numbers.count(1, "row") == "1 row"
    assert numbers.count(32_561, "row") == "32,561 rows"
    assert numbers.count(2, "class", "classes") == "2 classes"


@pytest.mark.parametrize(
    ("size", "said"), [(999, "999 B"), (1234, "1.2 kB"), (3_974_305, "4.0 MB"), (5e13, "50000 GB")]
)
def test_sizes(size: float, said: str) -> None:
    assert numbers.bytes_(size) == said

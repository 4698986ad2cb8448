"""Why this method, and when another one: what measurements say, on the Train page."""

from __future__ import annotations

from collections.abc import Mapping

_WHY: Mapping[str, str] = {
    "rome-em": (
        "**Why this method?** It looks for groups that no column names and says whether there is "
        "evidence of any. For the most accurate predictions choose **Boosted trees with sensitive "
        "columns**: on real tables they usually predict at least as well, for the worst declared "
        "group too."
    ),
    "boosting-s": (
        "**Why this method?** Usually the most accurate predictions on tables, for the worst "
        "declared group too. It finds no latent groups: **ROME** does, and *Several methods, "
        "compared* shows both on the same rows."
    ),
}


def why_method(name: str) -> str:
    """When to choose a method and when another, or "" where nothing was measured."""
    return _WHY.get(name, "")

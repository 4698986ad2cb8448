"""What the Report page and the report itself say of how they were made."""

from __future__ import annotations

from fairaudit.text.sentences.phrases import Row

HOW = (
    "The report, its tables and the model card are generated from the tables of this audit, by "
    "the same functions that draw the screens. `manifest.json` contains the SHA-256 of every file "
    "and of the data, so that anyone can verify that nothing was changed."
)
SECTIONS = "Sections follow Mitchell et al. (2019), arXiv 1810.03993."
LATENT = (
    "Groups were found on training rows and are evaluated on held-out rows only. A rule "
    "is a shallow tree fitted to membership; its fidelity is the balanced agreement on rows "
    "it was not made from (0.5 = chance, 1 = perfect)."
)
SWEEP = (
    "All numbers of groups were fitted on the same training rows from many starts; the "
    "worst group and overall are measured on held-out rows, groups weighed by membership that "
    "was fixed before the outcome."
)
UNKNOWN_OUTCOMES = (
    "For some rows no outcome is known. The table says between which values each rate "
    "and gap must lie, whatever these outcomes are."
)
GAPS = (
    "A difference is the largest value over the groups minus the smallest. The largest "
    "of several noisy values is too large on average; the bias-corrected gap accounts for that."
)


def single_file(title: str, size: str) -> str:
    """What the report is."""
    return (
        f"The report on “{title}” is **a single file ({size})** that opens offline, "
        "can be printed, and contains the same numbers as these pages."
    )


def first_rows(shown: int, rows: int, table: str) -> str:
    """How many rows of a table are printed."""
    return f"{shown} of {rows:,} rows; all of them are in csv/{table}.csv."


def source(rule: Row) -> str:
    """The source of a rule."""
    return (
        f"{rule['citation']} ({rule['url']}, retrieved {rule['retrieved']}; version "
        f"{rule['version']}). This is a computation, not a legal conclusion."
    )


def rates(percent: str) -> str:
    """What the intervals of rates and gaps are, and what is called significant."""
    return (
        f"Intervals are {percent} confidence intervals: Wilson's for rates, joint ones for gaps "
        "and worst groups; the column 'Interval method' names the one used. A group with too few "
        "rows gets a reason instead of a number. Differences are called significant where the "
        "p-value of a pair, adjusted for multiple testing over the whole audit, is below "
        f"1 − {percent}."
    )


def effects(percent: str) -> str:
    """How the effects of clusters are estimated."""
    return (
        f"Effects are posterior means with {percent} intervals; clusters "
        "with few rows are shrunk towards zero. Mixed predictions use the cluster, fixed ones do "
        "not."
    )


def bounds(percent: str) -> str:
    """How bounds are computed."""
    return (
        "Worst-case bounds: nothing is assumed of the unknown outcomes (Manski, 1989). The "
        f"{percent} confidence interval holds the whole range between them."
    )

"""An 80% audit has 80% in every number, table, sentence and picture, and nowhere 95%."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from functools import cache
from typing import Any

import polars as pl
import pytest

from fairaudit import AuditResult, AuditSpec, Dataset, read_table, run_audit
from fairaudit.data.samples import SAMPLES
from fairaudit.report.model_card import model_card
from fairaudit.report.page import render
from fairaudit.report.sections import sections
from tests.audits import FEW
from tests.sizes import nightly

ROWS = 500
NO_HARM = 0.85  # FairSDE's own level, apart from that of the audit; that of a group is 92.5%
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "predictions": ("lending", {"kind": "predictions"}),
    "sweep": (
        "rome_simulation",
        {
            "kind": "sweep",
            "method": "rome-em",
            "params": {"n_groups": [1, 2], "n_init": 1, "n_bootstrap": 0},
        },
    ),
    "rome": ("rome_simulation", {"method": "rome-em", "params": {"n_groups": 2, "n_init": 1}}),
    "sde": (
        "lending",
        {
            "method": "fair-sde",
            "params": {"max_epochs": 2, "hidden_sizes": [8], "attributes": ["sex"],
                       "confidence": NO_HARM},
        },
    ),
    "medl": (
        "hospital",
        {
            "method": "fair-medl",
            "params": {"max_epochs": 2, "performance_budget": 0.02, "path": [0.1]},
        },
    ),
    "compare": (
        "lending",
        {"kind": "compare", "params": {"methods": ["linear", "linear-s"], "seeds": 2}},
    ),
    "stress": (
        "lending",
        {
            "kind": "stress",
            "method": "fair-sde",
            "params": {"max_epochs": 1, "hidden_sizes": [4], "attributes": ["sex"],
                       "confidence": NO_HARM},
        },
    ),
}  # fmt: skip
NIGHT = ("rome", "stress")  # their sentences on groups and choices are those of sweep and sde
DAY = [kind for kind in KINDS if kind not in NIGHT]
# where nine shifts of ten lie, and the ends of bins: the same at any confidence
NO_INTERVALS = {"stress_shift", "histograms"}


@cache
def audit(kind: str, confidence: float) -> AuditResult:
    sample, asked = KINDS[kind]
    own = SAMPLES[sample]
    roles = own.roles.model_copy(update={"sensitive": own.roles.sensitive[:1], "split": None})
    frame = read_table(own.path).head(ROWS)
    metrics = FEW if kind in ("sde", "medl", "compare", "stress") else None
    spec = AuditSpec(
        roles=roles, n_boot=60, intersections=1, confidence=confidence, metrics=metrics, **asked
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one epoch does not converge, and need not
        return run_audit(Dataset(frame, roles), spec)


def texts(result: AuditResult) -> Iterator[tuple[str, str]]:
    """Every text of a result: sentences, charts, printed tables, page and model card."""
    found = sections(result)
    for part in found:
        yield part.title, " ".join((*part.sentences, *part.alerts, part.how))
        for chart in part.charts:
            yield f"{part.title}, alt", chart.alt
            yield f"{part.title}, figure", str(chart.figure.to_json())
    for name, table in result.tables.items():
        for column in table.select(pl.selectors.string()).get_columns():
            yield f"{name}.{column.name}", " ".join(column.drop_nulls().unique().to_list())
    yield "warnings", str(result.summary)
    yield "report", render(result, title="t", parts=found)
    yield "model card", model_card(result, title="t")


@cache
def told(kind: str) -> tuple[tuple[str, str], ...]:
    """Every text of the audit at 80%."""
    return tuple(texts(audit(kind, 0.8)))


LEVEL = re.compile(
    r"\b95 ?% (CI|confidence|interval|t interval|bound|limit)|\b(at|with|nominal) 95 ?%"
)
DRAWN = ("figure", "report")  # ticks and counts of draws may be 95% of something else


@pytest.mark.parametrize("kind", [*DAY, *nightly(*NIGHT)])
def test_no_text_names_another_level(kind: str) -> None:
    for place, text in told(kind):
        pattern = LEVEL if place.endswith(DRAWN) else re.compile(r"\b95%")
        near = [text[max(0, m.start() - 60) : m.end() + 40] for m in pattern.finditer(text)]
        assert not near, f"{place}: {near[:2]}"


@pytest.mark.parametrize("kind", [*DAY, *nightly(*NIGHT)])
def test_the_report_names_the_level_of_the_audit(kind: str) -> None:
    page = dict(told(kind))["report"]
    assert re.search(r"80% (CI|confidence interval|interval|t interval)", page)


@pytest.mark.parametrize("kind", ["sde", *nightly("stress")])
def test_the_no_harm_bound_keeps_its_own_level(kind: str) -> None:
    said = " ".join(text for _, text in told(kind))
    assert "all groups at once with 85% confidence" in said


@pytest.mark.parametrize(
    "kind", ["predictions", "sweep", "sde", *nightly("rome", "medl", "compare", "stress")]
)
def test_intervals_are_narrower_than_those_of_a_95_percent_audit(kind: str) -> None:
    usual, narrow = audit(kind, 0.95).tables, audit(kind, 0.8).tables
    seen = 0
    for name in sorted(set(usual) - NO_INTERVALS):
        for low, high in ends(usual[name]):
            wide, thin = (
                widths.drop_nulls()
                for widths in (t.select(pl.col(high) - pl.col(low))[high] for t in
                               (usual[name], narrow[name]))
            )  # fmt: skip
            wide, thin = wide.filter(wide.is_finite()), thin.filter(thin.is_finite())
            if len(wide) and wide.sum() > 0:
                seen += 1
                assert thin.sum() < wide.sum(), f"{kind}, {name}: {low} to {high}"
    assert seen >= 2


def ends(table: pl.DataFrame) -> Iterator[tuple[str, str]]:
    """The pairs of columns that hold an interval."""
    for low in table.columns:
        high = low.removesuffix("low") + "high"
        if (low == "low" or low.endswith("_low")) and high in table.columns:
            yield low, high


UNNAMED = re.compile(r"\([-−+]?[\d.,]+%? to [-−+]?[\d.,]+")


@pytest.mark.parametrize("kind", [*DAY, *nightly(*NIGHT)])
def test_every_interval_that_a_pointer_shows_names_its_level(kind: str) -> None:
    seen = 0
    for part in sections(audit(kind, 0.8)):
        for trace in (t for chart in part.charts for t in chart.figure.data):
            shown = str(trace.to_plotly_json())
            assert not UNNAMED.search(shown), f"{part.title}: {shown}"
            seen += "80% CI" in shown
    assert seen > 0


SPAN = re.compile(r"\([-−+]?[\d.,]+%? to [-−+]?[\d.,]+")


@pytest.mark.parametrize("kind", [*DAY, *nightly(*NIGHT)])
def test_every_alternative_text_with_an_interval_names_a_level(kind: str) -> None:
    for place, text in told(kind):
        if place.endswith(", alt") and SPAN.search(text):
            assert re.search(r"\b(80|90)%", text), f"{place}: {text}"

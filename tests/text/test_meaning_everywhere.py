"""No text or figure speaks another meaning's language, nor judges where no outcome is known."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest

from fairaudit import AuditResult, audit_predictions
from fairaudit.data.outcome import MEANINGS, Meaning
from fairaudit.report.folder import machine_readable
from fairaudit.report.model_card import model_card
from fairaudit.report.page import render
from fairaudit.report.sections import sections
from tests.vocabulary import FORBIDDEN, JUDGING, SELECTING, found, visible

NAMED = ("text", "title", "name", "hovertemplate", "ticktext", "hovertext", "label")


@cache
def audit(meaning: Meaning, known: str = "all") -> AuditResult:
    """Two tools with scores; the outcome known for all, some or none of the rows."""
    rng = np.random.default_rng(5)
    n = 400
    people = {"sex": rng.choice(["women", "men"], n), "region": rng.choice(["n", "s", "e"], n)}
    y = rng.integers(0, 2, n)
    score = np.clip(0.3 * y + 0.2 * (people["sex"] == "women") + 0.5 * rng.random(n), 0, 1)
    tools = {"first": (score >= 0.5).astype(int), "second": (score >= 0.6).astype(int)}
    asked: dict[str, Any] = {"known_for": rng.random(n) < 0.7} if known == "some" else {}
    return audit_predictions(
        None if known == "none" else y,
        tools,
        y_score=dict.fromkeys(tools, score),
        sensitive_features=people,
        meaning=meaning,
        n_boot=20,
        **asked,
    )


def strings(value: Any) -> Iterator[str]:
    """Every text of a figure that a reader can see."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if isinstance(inner, str) and key in NAMED:
                yield inner
            else:
                yield from strings(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from [inner] if isinstance(inner, str) else strings(inner)


def texts(result: AuditResult) -> Iterator[tuple[str, str]]:
    """Every text of a result that people read, with its place."""
    told = sections(result)
    for part in told:
        yield part.title, " ".join((part.title, *part.sentences, *part.alerts, part.how))
        for chart in part.charts:
            yield f"{part.title}, chart", chart.alt
            yield f"{part.title}, figure", " ".join(strings(chart.figure.to_plotly_json()))
    yield "report", visible(render(result, title="t", parts=told))
    yield "model card", model_card(result, title="t")


@pytest.mark.parametrize("known", ["all", "some", "none"])
@pytest.mark.parametrize("meaning", MEANINGS)
def test_an_audit_speaks_the_language_of_its_outcome(meaning: Meaning, known: str) -> None:
    for place, text in texts(audit(meaning, known)):
        for pattern in FORBIDDEN[meaning]:
            assert not found(pattern, text), f"{place}: {found(pattern, text)[:2]}"


@pytest.mark.parametrize("meaning", MEANINGS)
def test_nothing_is_right_or_wrong_without_an_outcome(meaning: Meaning) -> None:
    result = audit(meaning, "none")
    for place, text in texts(result):
        assert not found(JUDGING, text), f"{place}: {found(JUDGING, text)[:2]}"
    told = machine_readable(result, title="t")
    assert told["summary"]["outcome"]["target"] is None
    metrics = {row["metric"] for part in told["sections"] for row in part["rows"]}
    assert metrics <= {"selection_rate", "mean_score", "demographic_parity"}


def test_the_words_of_each_meaning_are_used() -> None:
    """The walk would notice: each language occurs in the audit that it belongs to."""
    words = {m: " ".join(text for _, text in texts(audit(m))) for m in MEANINGS}
    assert found(SELECTING, words["good"])
    assert "wrongly flags" in words["bad"]
    assert "Flag rate" in words["bad"]
    assert "judges" in words["neutral"]
    assert "No outcome is known" in visible(render(audit("good", "none"), title="t"))


def test_bounds_are_shown_as_bounds() -> None:
    result = audit("good", "some")
    said = dict(texts(result))
    assert "lies between" in said["Errors by sex"]
    assert "Bounds where the outcome is not known" in said
    drawn = next(
        chart
        for part in sections(result)
        for chart in part.charts
        if "first by sex, between bounds" in chart.alt
    )
    rows = result.tables["bounds"].filter(
        kind="value", metric="tpr", attribute="sex", model="first"
    )
    bars = [t for t in drawn.figure.data if t.line.width == 12]
    ends = sorted(tuple(bar.x) for bar in bars)
    assert ends == sorted(rows.select("lower", "upper").iter_rows())

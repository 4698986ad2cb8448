"""The question declared beforehand: its answer stands alone, and its declaration is told."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from fairaudit import audit_predictions
from fairaudit.audit.metrics.comparisons import adjusted
from fairaudit.audit.questions import PrimaryQuestion
from fairaudit.audit.result import AuditResult
from fairaudit.audit.spec import AuditSpec
from fairaudit.data.roles import ColumnRoles
from fairaudit.exceptions import SpecError
from fairaudit.report.page import in_short
from fairaudit.report.sections import sections
from fairaudit.text.findings import Finding, finding_of
from fairaudit.text.sentences.primary import primary_sentence
from tests.sizes import binomial_error, size


def _audit(rates: dict[str, float], n: int, seed: int = 0, **more: Any) -> AuditResult:
    """Decisions by sex at these rates; nine further attributes have nothing to do with them."""
    rng = np.random.default_rng(seed)
    sex = np.repeat(list(rates), n)
    answer = (rng.random(len(sex)) < np.repeat(list(rates.values()), n)).astype(int)
    people = {"sex": sex} | {f"a{i}": rng.choice(["x", "y", "z"], len(sex)) for i in range(9)}
    return audit_predictions(
        y_pred={"m": answer, "other": answer[::-1].copy()}, sensitive_features=people, positive=1,
        metrics=["selection_rate"], n_boot=0, **more,
    )  # fmt: skip


def test_its_answer_is_not_adjusted_and_all_others_are() -> None:
    plain = _audit({"f": 0.3, "m": 0.4}, 200)
    asked = _audit({"f": 0.3, "m": 0.4}, 200, primary=("selection_rate", "sex"))
    own = (pl.col("model") == "m") & (pl.col("attribute") == "sex")
    pairs = asked.tables["pairs"]
    assert pairs.filter(own)["p_adjusted"].to_list() == pairs.filter(own)["p"].to_list()
    others = pairs.filter(~own)
    expected = adjusted(others["p"].to_numpy())
    assert others["p_adjusted"].to_numpy() == pytest.approx(expected, nan_ok=True)
    assert plain.tables["pairs"].filter(own)["p_adjusted"].item() > pairs.filter(own)["p"].item()
    query = {"attribute": "sex", "metric": "selection_rate", "model": "m", "split": "test"}
    assert finding_of(plain, **query) is Finding.UNADJUSTED
    assert finding_of(asked, **query) is Finding.SIGNIFICANT
    assert asked.summary["primary"]["shown"]


@pytest.mark.parametrize("groups", [2, 5])
def test_equal_groups_answer_yes_in_five_percent_at_most(groups: int) -> None:
    runs, rates = size(80, 1500), {f"g{i}": 0.3 for i in range(groups)}
    shown = 0
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        sex = np.repeat(list(rates), 80)
        answer = (rng.random(len(sex)) < 0.3).astype(int)
        found = audit_predictions(
            y_pred={"m": answer}, sensitive_features={"sex": sex}, positive=1, n_boot=0,
            metrics=["selection_rate"], primary=("selection_rate", "sex"),
        )  # fmt: skip
        shown += found.tables["primary"]["shown"].item()
    assert shown / runs <= 0.05 + binomial_error(0.05, runs)


def test_two_of_the_groups_have_the_interval_of_their_pair() -> None:
    question = ("selection_rate", "sex", "b", "a")
    found = _audit({"a": 0.3, "b": 0.5, "c": 0.4}, 300, primary=question, reference="a")
    row = found.tables["primary"].row(0, named=True)
    pair = found.tables["pairs"].filter(attribute="sex", group="b", model="m").row(0, named=True)
    assert [row["value"], row["low"], row["high"]] == pytest.approx(
        [pair["difference"], pair["low"], pair["high"]]
    )
    assert pair["p_adjusted"] == pair["p"]


def test_a_margin_is_answered_too() -> None:
    found = _audit({"f": 0.3, "m": 0.3}, 4000, primary=("selection_rate", "sex"), margin=0.1)
    row = found.tables["primary"].row(0, named=True)
    own = found.tables["equivalence"].filter(attribute="sex", model="m").row(0, named=True)
    assert row["below"]
    assert row["upper_limit"] == own["upper_limit"]
    assert own["p_adjusted"] == own["p"]
    assert "shown to be below** the margin of 10.0 points" in primary_sentence(found)


@pytest.mark.parametrize(
    ("rates", "says"), [((0.2, 0.5), "**A gap is shown**"), ((0.3, 0.3), "**No gap is shown**")]
)
def test_the_report_leads_with_it(rates: tuple[float, float], says: str) -> None:
    named = dict(zip(("f", "m"), rates, strict=True))
    found = _audit(named, 300, primary=("selection_rate", "sex"))
    told = sections(found)
    assert told[0].title == "The primary question"
    lead = in_short(found, told)[0]
    assert says in lead
    assert "declared beforehand" in lead


def test_too_few_rows_answer_nothing() -> None:
    found = _audit({"f": 0.5, "m": 0.5}, 3, primary=("selection_rate", "sex"), suppress_below=5)
    assert "cannot be judged" in primary_sentence(found)


def test_another_system_can_be_the_one_asked_about() -> None:
    question = PrimaryQuestion(metric="selection_rate", attribute="sex", system="other")
    found = _audit({"f": 0.3, "m": 0.4}, 200, primary=question)
    assert found.tables["primary"]["model"].to_list() == ["other"]


@pytest.mark.parametrize(
    ("question", "text"),
    [
        (("tpr", "sex"), "metric 'tpr' is not part of this audit"),
        (("selection_rate", "age"), "attribute 'age' is not part of this audit"),
        (("selection_rate", "sex", "f", "x"), "group of sex 'x' is not part of this audit"),
        (("selection_rate", "sex", "f"), "expected two groups or none, got one"),
        (("selection_rate", "sex", "f", "f"), "is compared with itself"),
        (("selection_rate", "sex", "f", "m", "nobody"), "system 'nobody' is not part"),
        ("selection_rate", "expected .metric, attribute."),
        ({"metric": "selection_rate"}, "primary: attribute: Field required"),
    ],
)
def test_a_question_that_is_not_answered_is_refused(question: Any, text: str) -> None:
    with pytest.raises(SpecError, match=text):
        _audit({"f": 0.3, "m": 0.4}, 30, primary=question)


def test_it_is_part_of_the_request() -> None:
    roles = ColumnRoles(target="y", sensitive=("sex",), predictions=("m",))
    plain = AuditSpec(roles=roles, kind="predictions")
    question = PrimaryQuestion(metric="tpr", attribute="sex")
    asked = plain.model_copy(update={"primary": question})
    assert asked.digest() != plain.digest()
    assert AuditSpec.model_validate_json(asked.model_dump_json()) == asked

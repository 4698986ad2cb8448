"""The UK's gender pay gap, by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from fairaudit.audit import presets
from fairaudit.audit.presets.pay_gap import bands
from fairaudit.audit.run import run_audit
from fairaudit.audit.spec import AuditSpec
from fairaudit.data.dataset import Dataset
from fairaudit.data.roles import ColumnRoles
from fairaudit.exceptions import InputError, SpecError

PAY = [10.0, 20.0, 30.0, 40.0, 10.0, 10.0, 20.0, 20.0]
SEX = ["male"] * 4 + ["female"] * 4


def _applied(pay: Any = PAY, sex: Any = SEX, **more: Any) -> presets.Applied:
    return presets.apply(
        "uk-gender-pay-gap", score=pay, groups={"sex": sex}, confidence=0.95, **more
    )


def test_the_worked_example_of_the_documentation() -> None:
    found = _applied()
    gaps = {row["measure"]: row for row in found.tables["pay_gap"].iter_rows(named=True)}
    assert (gaps["mean"]["male"], gaps["mean"]["female"]) == (25, 15)
    assert gaps["mean"]["gap_percent"] == pytest.approx(40)
    assert gaps["median"]["gap_percent"] == pytest.approx(40)
    shares = found.tables["pay_bands"]
    assert shares["employees"].to_list() == [2, 2, 2, 2]
    assert shares["share_female"].to_list() == pytest.approx([2 / 3, 2 / 3, 2 / 3, 0])
    assert any("fewer than the Regulations apply to" in s for s in found.sentences)


def test_each_rate_of_pay_is_divided_alike_over_bands() -> None:
    rng = np.random.default_rng(0)
    rate = rng.choice([9.0, 12.0, 15.0, 40.0], 101, p=[0.5, 0.2, 0.2, 0.1])
    male = rng.integers(0, 2, 101).astype(float)
    men, women = bands(rate, male, 1 - male, 4)
    assert (men + women).tolist() == pytest.approx([26, 25, 25, 25])
    assert men.sum() == pytest.approx(male.sum())
    lowest = rate == 9.0  # more than the first band
    assert men[0] / 26 == pytest.approx(male[lowest].mean())


def test_a_row_may_stand_for_several_people() -> None:
    times = np.array([3, 1, 2, 1, 5, 1, 1, 4])
    options = presets.PresetOptions(weight_counts_people=True)
    counted = _applied(weight=times, options=options)
    repeated = _applied(np.repeat(PAY, times), np.repeat(SEX, times))
    for name in ("pay_gap", "pay_bands"):
        assert counted.tables[name].equals(repeated.tables[name])


@pytest.mark.parametrize("others", ["nonbinary", "prefer not to say", None])
def test_people_recorded_as_neither_are_counted_apart(others: Any) -> None:
    found = _applied([*PAY, 1000.0], [*SEX, others])
    assert found.tables["pay_gap"].equals(_applied().tables["pay_gap"])
    assert "1 people are not recorded as male or female." in found.sentences


@pytest.mark.parametrize(
    ("pay", "sex", "fault", "says"),
    [
        (PAY, ["male"] * 8, InputError, "does not hold men and women"),
        ([-1.0, *PAY[1:]], SEX, InputError, "pay is below 0"),
        (PAY, ["x", "y"] * 4, InputError, "does not hold men and women"),
    ],
)
def test_what_is_no_pay_of_men_and_women_is_refused(
    pay: Any, sex: Any, fault: type[Exception], says: str
) -> None:
    with pytest.raises(fault, match=says):
        _applied(pay, sex)


def _audited(task: str, pay: Any) -> Any:
    frame = pl.DataFrame({"hourly": pay, "sex": SEX * 10})
    roles = ColumnRoles.model_validate(
        {"predictions": ("hourly",), "sensitive": ("sex",), "task": task}
    )
    spec = AuditSpec(roles=roles, kind="predictions", preset="uk-gender-pay-gap", n_boot=0)
    return run_audit(Dataset(frame, roles), spec)


def test_an_audit_of_a_column_of_pay_applies_the_rule() -> None:
    result = _audited("regression", PAY * 10)
    assert result.tables["preset_pay_gap"]["gap_percent"].to_list() == pytest.approx([40, 40])
    assert any("mean pay gap is 40.0%" in s for s in result.summary["preset"]["sentences"])


def test_an_audit_of_decisions_has_no_pay() -> None:
    with pytest.raises(SpecError, match="is about hourly pay, and the task is binary"):
        _audited("binary", ["yes", "no"] * 40)

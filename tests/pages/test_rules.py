"""Rules about who is chosen on the Audit page: choosing one shows its numbers."""

from __future__ import annotations

import polars as pl
import pytest

from fairaudit.data.roles import ColumnRoles
from fairaudit.jobs.workspace import Workspace
from fairaudit.ui.roles_link import pack
from tests.cli.test_preset_options import CHOSEN
from tests.pages.conftest import Open, work_off
from tests.pages.opening import shown_table


@pytest.fixture
def chosen(workspace: Workspace) -> dict[str, str]:
    """A table of people with who was hired, as a link."""
    rows = [(*key, "m") for key, n in CHOSEN.items() for _ in range(n)]
    frame = pl.DataFrame(rows, schema=["race", "hired", "sex"], orient="row")
    sha256 = workspace.ingest(frame.write_csv().encode(), name="people.csv").sha256
    roles = ColumnRoles(
        target=None, sensitive=("race",), predictions=("hired",), positive="yes", meaning="good"
    )
    return {"data": sha256, "roles": pack(roles)}


@pytest.mark.parametrize(
    ("preset", "column", "value"),
    [
        ("two-standard-deviations", "standard_deviations", -20 / 5.65685),
        ("fair-cross-section", "absolute_disparity", 0.1),
        ("idea-risk-ratio", "risk_ratio", 0.1 / 0.225),
    ],
)
def test_a_rule_shows_its_numbers_on_the_page(
    open_page: Open, workspace: Workspace, chosen: dict[str, str],
    preset: str, column: str, value: float,
) -> None:  # fmt: skip
    app = open_page("audit", **chosen)
    app.selectbox(key="preset").set_value(preset).run()
    work_off(workspace)
    app.run()
    assert not app.exception
    rows = shown_table(app, column)
    assert rows.filter(group="A")[column].item() == pytest.approx(value, rel=1e-4)


def test_a_reason_to_leave_small_categories_out_is_part_of_the_request(
    open_page: Open, workspace: Workspace, chosen: dict[str, str]
) -> None:
    app = open_page("audit", **chosen)
    app.selectbox(key="preset").set_value("nyc-ll144").run()
    app.text_input(key="preset-leave-out").set_value(" too few to tell ").run()
    assert not app.exception
    asked = [workspace.spec(job.id).audit.preset_options for job in workspace.jobs()]
    assert any(options.leave_out_reason == "too few to tell" for options in asked)

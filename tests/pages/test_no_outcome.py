"""Decisions and scores without an outcome: every view opens, and none says right or wrong."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from fairaudit.data.roles import ColumnRoles, Cut
from fairaudit.jobs.workspace import Workspace
from fairaudit.ui.roles_link import pack
from tests.pages.conftest import Open, words, work_off
from tests.vocabulary import JUDGING, found, visible

VIEWS = ("By group", "Intersections", "Threshold", "Score curves", "Counts and rows")


def people(n: int = 400) -> bytes:
    rng = np.random.default_rng(3)
    sex = rng.choice(["women", "men"], n)
    return (
        pl.DataFrame(
            {
                "sex": sex,
                "region": rng.choice(["north", "south"], n),
                "decision": np.where(
                    rng.random(n) < np.where(sex == "men", 0.8, 0.4), "yes", "no"
                ),
                "risk": rng.integers(1, 11, n),
            }
        )
        .write_csv()
        .encode()
    )


@pytest.mark.parametrize("kind", ["decisions", "scores"])
def test_every_view_opens_and_judges_nothing(
    workspace: Workspace, open_page: Open, kind: str
) -> None:
    asked = {"sensitive": ("sex", "region"), "scores": ("risk",)}
    if kind == "decisions":
        cuts = {"risk": Cut(at=7)}
        roles = ColumnRoles.model_validate({**asked, "predictions": ("decision",), "cuts": cuts})
        roles = roles.model_copy(update={"positive": "yes", "meaning": "good"})
    else:
        cuts = {"risk": Cut(at=7)}
        roles = ColumnRoles.model_validate({**asked, "cuts": cuts, "meaning": "bad"})
    link = {"data": workspace.ingest(people(), name="people.csv").sha256, "roles": pack(roles)}
    open_page("audit", **link)
    work_off(workspace)
    job = workspace.jobs()[0]
    assert job.state == "succeeded", job.reason
    app = open_page("audit", **link)
    assert not app.exception
    assert "No outcome is known" in words(app)
    for view in VIEWS:
        page = open_page("errors", audit=job.id, view=view)
        assert not page.exception, (view, page.exception)
        assert not page.error, (view, page.error)
        assert page.title[0].value == "Decisions"
        said = visible(words(page))
        assert not found(JUDGING, said), (view, found(JUDGING, said)[:2])
        links = {link.proto.label for link in page.get("page_link")}
        assert "Next: Compare" not in " ".join(links), "comparing needs an outcome"
        assert "Report" in links
        if view == "Counts and rows":
            tables = [pl.from_pandas(table.value) for table in page.dataframe]
            assert all("y" not in t.columns for t in tables), "no outcome, no column for it"

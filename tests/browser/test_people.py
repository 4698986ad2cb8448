"""The three people of the product: an auditor, a data scientist, a stakeholder."""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path

import polars as pl
import pytest
from playwright.sync_api import Browser, Page, expect

from fairaudit.audit.spec import AuditSpec
from fairaudit.data.samples import SAMPLES
from fairaudit.jobs.spec import JobSpec
from fairaudit.jobs.workspace import Workspace
from tests.browser.conftest import Server, lead, press, settle, shoot, turn_to, visit
from tests.browser.test_journeys import FIT, card, choose_method, setting, start, upload
from tests.sizes import size

pytestmark = pytest.mark.browser


def test_an_auditor_goes_from_a_csv_to_a_report_with_the_numbers_of_the_screen(
    page: Page, server: Server, tmp_path: Path
) -> None:
    table = tmp_path / "decisions.csv"
    rows = pl.read_csv(SAMPLES["lending"].path, n_rows=1500)
    rows.drop(() if size(0, 1) else ("ethnicity", "age")).write_csv(table)
    visit(page, server.url)
    upload(page, table)
    turn_to(page.get_by_role("button", name="Accept and continue"), "Audit")
    turn_to(page.get_by_role("main").get_by_role("link", name="All metrics"), "Errors", FIT)
    expect(page.locator("p.lead").first).to_contain_text("%")
    settle(page)
    shown = re.findall(r"\d+\.\d%", lead(page))
    turn_to(page.get_by_role("link", name="Report", exact=True).first, "Report")
    settle(page)
    with page.expect_download() as html:
        page.get_by_role("button", name="Report (HTML)").click()
    report = Path(html.value.path()).read_text("utf-8")
    assert shown
    assert [number for number in shown if number not in report] == []
    with page.expect_download() as packed:
        page.get_by_role("button", name="All files (ZIP)").click()
    with zipfile.ZipFile(io.BytesIO(Path(packed.value.path()).read_bytes())) as archive:
        names = {Path(name).name for name in archive.namelist()}
        assert {"summary.json", "errors.parquet", "manifest.json", "report.html"} <= names
        [summary] = [n for n in archive.namelist() if n.endswith("summary.json")]
        assert json.loads(archive.read(summary))["systems"] == ["decision_a", "decision_b"]


@pytest.mark.nightly
def test_a_data_scientist_fits_an_expert_for_each_group_and_sees_who_is_harmed(
    page: Page, server: Server
) -> None:
    visit(page, f"{server.url}/?mode=Expert")
    turn_to(page.locator(".st-key-sample-hospital button"), "Train")
    settle(page)
    choose_method(page, "FairSDE")
    epochs = setting(page, "fair-sde", "max_epochs")
    epochs.fill("3")
    epochs.press("Enter")
    settle(page)
    start(page)
    expect(card(page)).to_contain_text("Done", timeout=FIT)
    turn_to(page.get_by_role("link", name="No harm").first, "No harm")
    expect(page.locator("p.lead").first).to_contain_text(re.compile("baseline|expert"))
    expect(page.get_by_test_id("stPlotlyChart").first).to_be_visible()
    spec = Workspace(server.workspace).spec(Workspace(server.workspace).jobs()[0].id).audit
    assert (spec.method, spec.params) == ("fair-sde", {"max_epochs": 3})


@pytest.mark.slow
@pytest.mark.nightly
def test_stress_tests_are_started_and_read_in_the_browser(page: Page, server: Server) -> None:
    visit(page, f"{server.url}/?mode=Expert")
    turn_to(page.locator(".st-key-sample-hospital button"), "Train")
    settle(page)
    choose_method(page, "FairSDE")
    stress = page.get_by_role("radio", name="Stress tests")
    press(stress, lambda: expect(stress).to_be_checked(timeout=20_000))
    settle(page)
    epochs = setting(page, "fair-sde", "max_epochs")
    epochs.fill("2")
    epochs.press("Enter")
    settle(page)
    start(page)
    expect(card(page)).to_contain_text("Done", timeout=FIT)
    turn_to(page.get_by_role("link", name="Stress", exact=True).first, "Stress")
    settle(page)
    assert re.search(r"with the bound in \d+\.\d%", lead(page))
    view, said = page.get_by_role("main").get_by_text("Ablation", exact=True), "with all three"
    told = page.locator("p.statement").first
    press(view, lambda: expect(told).to_contain_text(said, timeout=20_000))
    settle(page)
    expect(page.get_by_test_id("stPlotlyChart").first).to_be_visible()


def decided(workspace: Workspace) -> str:
    """A finished audit of some decisions."""
    rows = pl.read_csv(SAMPLES["lending"].path, n_rows=600).write_csv().encode()
    roles = SAMPLES["lending"].roles.model_copy(update={"sensitive": ("sex",)})
    metrics = ("selection_rate", "tpr", "fnr", "fpr")
    spec = AuditSpec(
        roles=roles, kind="predictions", method="existing", n_boot=100, metrics=metrics
    )
    data = workspace.ingest(rows, name="few.csv").sha256
    return workspace.run_now(JobSpec(dataset=data, audit=spec, device="cpu"))


def test_a_stakeholder_opens_a_link_and_reads_on_a_phone(browser: Browser, server: Server) -> None:
    job = decided(Workspace(server.workspace))
    phone = browser.new_context(viewport={"width": 400, "height": 800}, color_scheme="dark")
    page = phone.new_page()
    visit(page, f"{server.url}/errors?audit={job}")
    assert re.search(r"\d+\.\d%", lead(page))
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 400, "the page scrolls sideways on a phone"
    shoot(page, "stakeholder-phone")
    phone.close()


def test_the_walk_can_be_done_with_the_keyboard(page: Page, server: Server) -> None:
    visit(page, server.url)
    button = page.locator(".st-key-sample-hospital button")
    for _ in range(60):
        page.keyboard.press("Tab")
        if button.evaluate("b => b === document.activeElement"):
            break
    assert button.evaluate("b => b === document.activeElement")
    ring = button.evaluate("b => getComputedStyle(b).outlineStyle + getComputedStyle(b).boxShadow")
    assert ring != "nonenone", "the focus cannot be seen"
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Train")

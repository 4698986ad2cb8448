"""Whole ways through the dashboard, as people walk them, on real files with a real worker."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from fairaudit.jobs.workspace import Workspace
from tests.browser.conftest import Server, lead, press, select, settle, shoot, turn_to, visit

pytestmark = pytest.mark.browser

FIT = 300_000  # milliseconds a small fit may take on a busy machine
RATE = re.compile(r"\d+\.\d%.*\(\d+\.\d% to \d+\.\d%")


def upload(page: Page, path: Path) -> None:
    """Drop a file on the Data page."""
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(str(path))


def expert_mode(page: Page) -> None:
    """Show everything there is to set."""
    switch = page.get_by_text("Expert", exact=True)
    press(switch, lambda: expect(page).to_have_url(re.compile("mode=Expert"), timeout=20_000))


def choose_method(page: Page, title: str) -> None:
    """Pick a method card."""
    label = page.locator(".st-key-method label").filter(has_text=title).first
    press(label, lambda: expect(label.locator("input")).to_be_checked(timeout=20_000))
    settle(page)


def setting(page: Page, method: str, name: str) -> Locator:
    """A number of a method's form; the form of the method before may still be leaving."""
    return page.locator(f".st-key-knob-{method}-{name}").get_by_role("spinbutton")


def card(page: Page) -> Locator:
    """The card of the job that is looked at; the one before it may still be leaving."""
    return page.locator("[class*='st-key-card-']").first


def start(page: Page) -> None:
    """Start the audit and wait for its card."""
    turn_to(page.get_by_role("button", name="Start the audit"), "Jobs")


def wait_until_begun(workspace: Workspace, seconds: float = 120) -> None:
    """Wait until the newest job is worked on; what the screen shows of it may pass quickly."""
    deadline = time.monotonic() + seconds
    while not (jobs := workspace.jobs()) or jobs[0].state == "queued":
        assert time.monotonic() < deadline, "no worker has taken the job"
        time.sleep(0.1)


@pytest.mark.nightly
def test_from_a_csv_to_errors_by_group_and_back_after_a_reload(
    page: Page, server: Server, shared_data: Path
) -> None:
    visit(page, server.url)
    upload(page, shared_data / "adult" / "adult.data")
    expect(page.locator("p.lead").first).to_contain_text("32,561 rows")
    settle(page)
    assert "income" in lead(page)
    shoot(page, "journey-data-adult")
    turn_to(page.get_by_role("button", name="Accept and continue"), "Train")
    expert_mode(page)
    settle(page)
    choose_method(page, "Pooled linear model")
    start(page)
    expect(card(page)).to_contain_text("Done", timeout=FIT)
    turn_to(page.get_by_role("link", name="Errors by group"), "Errors", FIT)
    expect(page.locator("p.lead").first).to_contain_text(RATE)
    said = lead(page)
    expect(page.get_by_test_id("stPlotlyChart").first).to_be_visible()
    shoot(page, "journey-errors-adult")
    page.reload()
    settle(page)
    expect(page.locator("p.lead").first).to_have_text(said)


@pytest.mark.nightly
def test_three_clicks_from_a_sample_to_the_report(page: Page, server: Server) -> None:
    visit(page, server.url)
    turn_to(page.locator(".st-key-sample-hospital button"), "Train")
    settle(page)
    start(page)
    report = page.get_by_role("main").get_by_role("link", name="Report")
    expect(report).to_be_visible(timeout=FIT)
    settle(page)
    turn_to(report, "Report")
    shoot(page, "journey-report")


@pytest.mark.nightly
def test_a_wrong_file_gives_one_clear_message_and_leaves_nothing(
    page: Page, server: Server, tmp_path: Path
) -> None:
    before = len(Workspace(server.workspace).datasets())
    wrong = tmp_path / "holiday.csv"
    wrong.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20)
    visit(page, server.url)
    upload(page, wrong)
    message = page.get_by_test_id("stAlert")
    expect(message).to_have_count(1)
    expect(message).to_contain_text("holiday.csv")
    assert "Traceback" not in page.content()
    assert len(Workspace(server.workspace).datasets()) == before
    shoot(page, "journey-wrong-file")


@pytest.mark.nightly
def test_a_running_fit_can_be_cancelled(page: Page, server: Server) -> None:
    visit(page, server.url)
    turn_to(page.locator(".st-key-sample-hospital button"), "Train")
    expert_mode(page)
    settle(page)
    choose_method(page, "Pooled network (ERM)")
    epochs = setting(page, "erm", "max_epochs")
    epochs.fill("1000")
    epochs.press("Enter")
    patience = setting(page, "erm", "patience")
    patience.fill("1000")
    patience.press("Enter")
    settle(page)
    start(page)
    expect(card(page)).to_contain_text(re.compile(r"\d+%"), timeout=FIT)
    shoot(page, "journey-progress")
    cancel = page.get_by_role("button", name="Cancel")
    press(cancel, lambda: expect(cancel).to_have_count(0, timeout=20_000))
    expect(card(page)).to_contain_text("Cancelled", timeout=FIT)
    expect(page.get_by_role("button", name="Run again")).to_be_visible()


@pytest.mark.nightly
def test_two_people_at_once_do_not_see_each_others_choices(
    browser: Browser, server: Server
) -> None:
    first, second = browser.new_context().new_page(), browser.new_context().new_page()
    visit(first, server.url)
    visit(second, server.url)
    turn_to(first.locator(".st-key-sample-lending button"), "Audit")
    turn_to(second.locator(".st-key-sample-hospital button"), "Train")
    expect(first.locator("p.lead").first).to_contain_text("lending.csv")
    expect(second.locator("p.lead").first).to_contain_text("hospital.csv")
    assert "hospital" not in lead(first)
    first.context.close()
    second.context.close()


@pytest.mark.nightly
def test_a_restarted_server_finds_the_running_job_again(page: Page, own_server: Server) -> None:
    visit(page, own_server.url)
    turn_to(page.locator(".st-key-sample-hospital button"), "Train")
    settle(page)
    start(page)
    expect(page).to_have_url(re.compile("audit="))
    address = page.url
    wait_until_begun(Workspace(own_server.workspace))
    own_server.stop_dashboard()
    own_server.start_dashboard()
    visit(page, address)
    expect(page.get_by_role("heading", level=1)).to_have_text("Jobs")
    expect(card(page)).to_contain_text("Done", timeout=FIT)
    assert [j.state for j in Workspace(own_server.workspace).jobs()] == ["succeeded"]


@pytest.mark.nightly
def test_a_link_reopens_audit_page_and_choices(browser: Browser, server: Server) -> None:
    mine = browser.new_context().new_page()
    visit(mine, server.url)
    turn_to(mine.locator(".st-key-sample-lending button"), "Audit")
    turn_to(mine.get_by_role("main").get_by_role("link", name="All metrics"), "Errors", FIT)
    settle(mine)
    select(mine, "Metric", "False-negative rate")
    expect(mine.locator("p.lead").first).to_contain_text("wrongly rejects")
    settle(mine)
    said = lead(mine)
    theirs = browser.new_context().new_page()
    visit(theirs, mine.url)
    expect(theirs.locator("p.lead").first).to_have_text(said)
    mine.context.close()
    theirs.context.close()


def test_false_flags_lead_in_three_clicks_from_a_table_of_risk_scores(
    page: Page, server: Server, shared_data: Path
) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    visit(page, server.url)
    upload(page, shared_data / "compas" / "compas_two_years_noname.csv")
    question = page.locator(".st-key-outcome-question")
    expect(question).to_contain_text("wrongly flags")
    settle(page)
    turn_to(page.get_by_role("button", name="Accept and continue"), "Audit")
    link = page.get_by_role("main").get_by_role("link", name="All metrics")
    expect(link).to_be_visible(timeout=FIT)
    settle(page)
    told = page.locator("p.lead").first.inner_text()
    assert (box := page.locator("p.lead").first.bounding_box()) is not None
    assert box["y"] + box["height"] < 900, "on the first screen"
    others = page.locator("ul.points li")
    expect(others).to_have_count(2)
    expect(others.nth(0)).to_contain_text("of women")
    expect(others.nth(1)).to_contain_text("people aged 25 or under")
    share = r"4[45]\.\d% \(95% CI [\d.% to]+, [\d,]+ rows\) of African-American people"
    pattern = rf"wrongly flags {share} who did not re-offend, against 23\.\d% \([\d.% to]+, [\d,]+"
    assert re.search(pattern, told), told

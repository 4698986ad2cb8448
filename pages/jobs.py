"""Jobs: what is running, how far it is, and what is finished."""

from __future__ import annotations

from fairaudit.exceptions import NotAllowed
from fairaudit.text.screens import jobs as wording
from fairaudit.text.screens.access import NOT_FOUND
from fairaudit.ui import cache, job_list, layout, page_setup, progress, session, sharing

page_setup.start_page()

jobs = cache.jobs()
chosen = session.audit_id()
layout.header("jobs", job_list.lead(jobs))
if not jobs:
    layout.empty_state(
        "No audit has been started yet",
        wording.NO_AUDIT,
        to="data",
        label="Start with data",
    )
if chosen is not None:
    try:
        progress.follow(chosen)
        job_list.actions(session.workspace().job(chosen))
    except NotAllowed:
        session.forget_audit()
        layout.note(NOT_FOUND)
if jobs:
    job_list.listing(jobs, chosen)
sharing.import_file()
sharing.roles()

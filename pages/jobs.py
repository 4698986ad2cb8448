"""Jobs: what is running and how far, what is done, and what to do with it."""

from __future__ import annotations

from fairaudit.exceptions import NotAllowed
from fairaudit.ui import cache, job_list, layout, page_setup, progress, session, sharing

page_setup.enter()

jobs = cache.jobs()
chosen = session.audit_id()
layout.page("jobs", job_list.lead(jobs))
if not jobs:
    layout.empty(
        "Nothing has been started yet",
        "Choose a table, accept the roles, start a method: its progress appears here and goes "
        "on when this page is closed.",
        to="data",
        label="Start with data",
    )
if chosen is not None:
    try:
        progress.follow(chosen)
        job_list.actions(session.workspace().job(chosen))
    except NotAllowed:
        session.forget_audit()
        layout.quiet("There is no such audit, or you have no right to it.")
if jobs:
    job_list.listing(jobs, chosen)
sharing.bring_in()
sharing.people()

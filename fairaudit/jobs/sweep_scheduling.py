"""A job in parts: a sweep over several slots, each part a job, merged by the job itself.

The parts' specs lie in the job's folder, so that any supervisor can go on from there.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from fairaudit.exceptions import IntegrityError
from fairaudit.jobs import folder as folders
from fairaudit.jobs import sweep_parts
from fairaudit.jobs.engines.base import Slot
from fairaudit.jobs.folder import JobFolder, Outcome, Request
from fairaudit.jobs.ledger import Entry, Ledger

SLOT = "parts"  # the slot of a job whose parts run


def wanted(entry: Entry, folder: JobFolder, slots: Sequence[Slot]) -> bool:
    """Whether a job should run in parts (again, if its parts have not all ended)."""
    if entry.kind != "sweep" or folders.parent_of(entry.id) is not None:
        return False
    try:
        parts = folder.parts() or _specs(folder, slots)
    except IntegrityError:  # the worker reads it too, and says so in its outcome
        return False
    return len(parts) > 1 and not all(_ended(folder, number) for number in range(len(parts)))


def begin(ledger: Ledger, folder: JobFolder, slots: Sequence[Slot]) -> None:
    """Split a queued job; its parts join the queue."""
    if not ledger.claim(folder.id, SLOT):
        return
    if not folder.parts():
        folder.set_parts(_specs(folder, slots))
    _submit_parts(ledger, folder)


def follow(ledger: Ledger, entry: Entry) -> None:
    """Look after a job whose parts run: pass on `cancel`, end it or let it merge."""
    folder = ledger.folder(entry.id)
    try:
        _submit_parts(ledger, folder)
    except IntegrityError as error:
        _give_up(ledger, folder, str(error))
        return
    outcomes = [_part(folder, number).outcome() for number in range(len(folder.parts()))]
    bad = [(n, o) for n, o in enumerate(outcomes) if o is not None and o.state != "succeeded"]
    if folder.cancel_asked() or bad:
        _cancel_parts(folder, outcomes)
    if any(outcome is None for outcome in outcomes):
        return
    if folder.cancel_asked():
        _finish(ledger, folder, Outcome("cancelled", "cancelled"))
    elif bad:
        number, outcome = min(bad, key=lambda pair: pair[1].state == "cancelled")
        why = f"part {number + 1} of {len(outcomes)} {outcome.state}: {outcome.reason}"
        _finish(ledger, folder, Outcome("failed", why))
    else:
        ledger.wait_again(entry.id)


def _give_up(ledger: Ledger, folder: JobFolder, why: str) -> None:
    """End a job whose own files are damaged, once its parts have ended."""
    waiting = [part for part in ledger.parts(folder.id) if not part.final]
    for part in waiting:
        if ledger.folder(part.id).exists:
            ledger.folder(part.id).ask_cancel()
    if not waiting:
        _finish(ledger, folder, Outcome("failed", why))


def clear(ledger: Ledger, folder: JobFolder) -> None:
    """Remove the parts of a job that has ended."""
    if folders.parent_of(folder.id) is not None:
        return
    known = {part.id for part in ledger.parts(folder.id)}
    with contextlib.suppress(IntegrityError):
        known |= {_part(folder, number).id for number in range(len(folder.parts()))}
    for id in sorted(known):
        ledger.folder(id).delete()
        ledger.forget(id)


def end(ledger: Ledger, folder: JobFolder, outcome: Outcome) -> None:
    """Give a claimed job that has no worker its outcome."""
    with folder.hold():
        ended = folder.outcome() or replace(outcome, finished=time.time())
        folder.finish(ended)
    ledger.settle(folder.id, ended)


def _finish(ledger: Ledger, folder: JobFolder, outcome: Outcome) -> None:
    if folder.delete_asked():
        clear(ledger, folder)
        folder.delete()
        ledger.forget(folder.id)
        return
    end(ledger, folder, outcome)
    clear(ledger, folder)


def _specs(folder: JobFolder, slots: Sequence[Slot]) -> list[dict[str, Any]]:
    places = sum(not slot.short_only for slot in slots)
    return sweep_parts.split(folder.request().job, places)


def _submit_parts(ledger: Ledger, folder: JobFolder) -> None:
    request = folder.request()
    for number, job in enumerate(folder.parts()):
        part = _part(folder, number)
        if not part.exists and ledger.get(part.id) is None:
            asked = Request(part.id, request.owner, request.created, job, request.source)
            JobFolder.create(ledger.jobs, asked)
            ledger.add(asked)


def _cancel_parts(folder: JobFolder, outcomes: Sequence[Outcome | None]) -> None:
    for number, outcome in enumerate(outcomes):
        if outcome is None:
            _part(folder, number).ask_cancel()


def _part(folder: JobFolder, number: int) -> JobFolder:
    return JobFolder(folder.path.with_name(folders.part_id(folder.id, number)))


def _ended(folder: JobFolder, number: int) -> bool:
    return _part(folder, number).outcome() is not None

"""Runs a sweep as several jobs, one per part, which the original job merges.

The specs of the parts are in the job's folder, so that any supervisor can continue.
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

SLOT = "parts"  # the slot of a job whose parts are running


def wanted(entry: Entry, folder: JobFolder, slots: Sequence[Slot]) -> bool:
    """Whether a job should run in parts (also if some of its parts have not ended)."""
    if entry.kind != "sweep" or folders.parent_of(entry.id) is not None:
        return False
    try:
        parts = folder.parts() or _specs(folder, slots)
    except IntegrityError:  # the worker reads it too and reports the error
        return False
    return len(parts) > 1 and not all(_ended(folder, number) for number in range(len(parts)))


def begin(ledger: Ledger, folder: JobFolder, slots: Sequence[Slot]) -> None:
    """Split a queued job and queue its parts."""
    if not ledger.claim(folder.id, SLOT):
        return
    if not folder.parts():
        folder.set_parts(_specs(folder, slots))
    _submit_parts(ledger, folder)


def follow(ledger: Ledger, entry: Entry) -> None:
    """Follow a job whose parts are running: pass on `cancel`, end it or requeue it to merge."""
    folder = ledger.folder(entry.id)
    try:
        _submit_parts(ledger, folder)
    except IntegrityError as error:
        _give_up(ledger, folder, str(error))
        return
    outcomes = [folder.part(number).outcome() for number in range(len(folder.parts()))]
    failed = [(n, o) for n, o in enumerate(outcomes) if o is not None and o.state != "succeeded"]
    if folder.cancel_requested() or failed:
        _cancel_parts(folder, outcomes)
    if any(outcome is None for outcome in outcomes):
        return
    if folder.cancel_requested():
        _finish(ledger, folder, Outcome("cancelled", "cancelled"))
    elif failed:
        number, outcome = min(failed, key=lambda pair: pair[1].state == "cancelled")
        why = f"part {number + 1} of {len(outcomes)} {outcome.state}: {outcome.reason}"
        _finish(ledger, folder, Outcome("failed", why))
    else:
        ledger.requeue(entry.id)


def _give_up(ledger: Ledger, folder: JobFolder, why: str) -> None:
    """Fail a job whose own files are damaged, once its parts have ended."""
    unfinished = [part for part in ledger.parts(folder.id) if not part.final]
    for part in unfinished:
        if ledger.folder(part.id).exists:
            ledger.folder(part.id).request_cancel()
    if not unfinished:
        _finish(ledger, folder, Outcome("failed", why))


def clear(ledger: Ledger, folder: JobFolder) -> None:
    """Delete the parts of a job that has ended."""
    if folders.parent_of(folder.id) is not None:
        return
    known = {part.id for part in ledger.parts(folder.id)}
    with contextlib.suppress(IntegrityError):
        known |= {folder.part(number).id for number in range(len(folder.parts()))}
    for id in sorted(known):
        ledger.folder(id).delete()
        ledger.forget(id)


def end(ledger: Ledger, folder: JobFolder, outcome: Outcome) -> None:
    """Write the outcome of a claimed job that has no worker."""
    with folder.hold():
        ended = folder.outcome() or replace(outcome, finished=time.time())
        folder.finish(ended)
    ledger.settle(folder.id, ended)


def _finish(ledger: Ledger, folder: JobFolder, outcome: Outcome) -> None:
    if folder.delete_requested():
        clear(ledger, folder)
        folder.delete()
        ledger.forget(folder.id)
        return
    end(ledger, folder, outcome)
    clear(ledger, folder)


def _specs(folder: JobFolder, slots: Sequence[Slot]) -> list[dict[str, Any]]:
    training_slots = sum(not slot.short_only for slot in slots)
    return sweep_parts.split(folder.request().job, training_slots)


def _submit_parts(ledger: Ledger, folder: JobFolder) -> None:
    request = folder.request()
    for number, job in enumerate(folder.parts()):
        part = folder.part(number)
        if not part.exists and ledger.get(part.id) is None:
            part_request = Request(part.id, request.owner, request.created, job, request.source)
            JobFolder.create(ledger.jobs, part_request)
            ledger.add(part_request)


def _cancel_parts(folder: JobFolder, outcomes: Sequence[Outcome | None]) -> None:
    for number, outcome in enumerate(outcomes):
        if outcome is None:
            folder.part(number).request_cancel()


def _ended(folder: JobFolder, number: int) -> bool:
    return folder.part(number).outcome() is not None

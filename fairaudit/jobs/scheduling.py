"""Chooses the next job: owners take turns, short audits go first, no job starves. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from fairaudit.jobs.engines.base import Slot
from fairaudit.jobs.ledger import Entry

PATIENCE = 4  # later jobs of the same owner that may overtake a job before it goes first
SHORT = frozenset({"predictions"})


def is_short(entry: Entry) -> bool:
    """Whether a job needs no training."""
    return entry.kind in SHORT


def fits(entry: Entry, slot: Slot, slots: Sequence[Slot]) -> bool:
    """Whether a job may run in a slot: GPUs are for training, if there are any."""
    if is_short(entry):
        return slot.device == "cpu" or all(s.device == "cuda" for s in slots)
    if slot.short_only:
        return False
    has_gpu = any(s.device == "cuda" for s in slots)
    wants_gpu = entry.device in ("auto", "cuda") and has_gpu
    has_cpu = any(s.device == "cpu" and not s.short_only for s in slots)
    return slot.device == ("cuda" if wants_gpu or not has_cpu else "cpu")


def order(
    queued: Iterable[Entry], running: Iterable[Entry], turns: Mapping[str, int]
) -> list[Entry]:
    """Queued jobs in order, the next one first.

    Owners with the fewest running jobs come first, then those whose last start was longest ago.
    For each owner: jobs that were overtaken too often, then short ones, then by arrival.
    """
    busy = Counter(entry.owner for entry in running)
    return sorted(
        queued,
        key=lambda e: (
            busy[e.owner],
            turns.get(e.owner, 0),
            e.passed < PATIENCE,
            not is_short(e),
            e.seq,
        ),
    )


def choose(
    queued: Iterable[Entry],
    running: Sequence[Entry],
    turns: Mapping[str, int],
    slots: Sequence[Slot],
) -> tuple[Entry, Slot] | None:
    """The next job and its slot; None if no queued job fits a free slot."""
    taken = {entry.slot for entry in running}
    free = sorted((s for s in slots if s.name not in taken), key=lambda s: not s.short_only)
    for entry in order(queued, running, turns):
        for slot in free:
            if fits(entry, slot, slots):
                return entry, slot
    return None

"""The queue: owners take turns, short audits pass, nobody waits for ever."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from fairaudit.jobs import scheduling
from fairaudit.jobs.engines.base import Slot
from fairaudit.jobs.ledger import Entry

CPU = (Slot("cpu-0"), Slot("short", short_only=True))
GPU = (Slot("gpu-0", "cuda"), Slot("cpu-0"), Slot("short", short_only=True))


def entry(
    seq: int, owner: str = "a", kind: str = "train", device: str = "auto", passed: int = 0,
    slot: str | None = None,
) -> Entry:  # fmt: skip
    return Entry(
        seq, f"job-{seq}", owner, "", kind, "", "", device, 0.0, "queued", slot, 0, 0, passed,
        None, None, None, None, None,
    )  # fmt: skip


def test_a_short_audit_does_not_wait_for_a_running_sweep() -> None:
    sweep = entry(1, kind="sweep", slot="cpu-0")
    waiting = [entry(2, kind="sweep"), entry(3, kind="predictions")]
    chosen, slot = scheduling.choose(waiting, [sweep], {}, CPU)
    assert (chosen.seq, slot.name) == (3, "short")
    assert scheduling.choose(waiting[:1], [sweep], {}, CPU) is None


def test_short_audits_of_an_owner_go_first_but_not_for_ever() -> None:
    long = entry(1, passed=0)
    short = entry(2, kind="predictions")
    assert [e.seq for e in scheduling.order([long, short], [], {})] == [2, 1]
    patient = entry(1, passed=scheduling.PATIENCE)
    assert [e.seq for e in scheduling.order([patient, short], [], {})] == [1, 2]


def test_owners_take_turns() -> None:
    waiting = [entry(1, "a"), entry(2, "a"), entry(3, "a"), entry(4, "b"), entry(5, "c")]
    turns: dict[str, int] = {}
    served = []
    while waiting:
        chosen, _ = scheduling.choose(waiting, [], turns, CPU)
        served.append(chosen.owner)
        turns[chosen.owner] = len(served)
        waiting.remove(chosen)
    assert served == ["a", "b", "c", "a", "a"]


def test_an_owner_with_a_running_job_comes_after_one_without() -> None:
    slots = (Slot("cpu-0"), Slot("cpu-1"))
    running = [entry(1, "a", slot="cpu-0")]
    chosen, slot = scheduling.choose([entry(2, "a"), entry(3, "b")], running, {"b": 9}, slots)
    assert (chosen.owner, slot.name) == ("b", "cpu-1")


def test_trainings_take_the_gpu_and_cpu_jobs_leave_it() -> None:
    assert scheduling.choose([entry(1)], [], {}, GPU)[1].name == "gpu-0"
    assert scheduling.choose([entry(1, device="cuda")], [], {}, GPU)[1].name == "gpu-0"
    assert scheduling.choose([entry(1, device="cpu")], [], {}, GPU)[1].name == "cpu-0"
    assert scheduling.choose([entry(1, kind="predictions")], [], {}, GPU)[1].name == "short"
    busy = [entry(9, slot="gpu-0")]
    assert scheduling.choose([entry(1)], busy, {}, GPU) is None
    assert scheduling.choose([entry(1, device="cpu")], busy, {}, GPU)[1].name == "cpu-0"


def test_a_cuda_job_without_a_gpu_gets_a_slot_where_it_can_say_so() -> None:
    assert scheduling.choose([entry(1, device="cuda")], [], {}, CPU)[1].name == "cpu-0"


def test_a_cpu_job_where_all_slots_are_gpus_still_runs() -> None:
    assert scheduling.choose([entry(1, device="cpu")], [], {}, GPU[:1])[1].name == "gpu-0"
    assert scheduling.choose([entry(1, kind="predictions")], [], {}, GPU[:1])[1].name == "gpu-0"


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from(["train", "sweep", "predictions"])),
        min_size=1,
        max_size=40,
    )
)
def test_everything_that_waits_is_served_once_and_nobody_is_overtaken_for_ever(jobs) -> None:
    waiting = {i: entry(i, owner, kind) for i, (owner, kind) in enumerate(jobs, 1)}
    turns: dict[str, int] = {}
    served: list[Entry] = []
    while waiting:
        chosen, _ = scheduling.choose(waiting.values(), [], turns, CPU)
        served.append(waiting.pop(chosen.seq))
        turns[chosen.owner] = len(served)
        for seq, other in waiting.items():
            if other.owner == chosen.owner and seq < chosen.seq:
                waiting[seq] = entry(seq, other.owner, other.kind, passed=other.passed + 1)
    assert Counter(e.seq for e in served) == Counter(range(1, len(jobs) + 1))
    assert all(e.passed <= scheduling.PATIENCE for e in served)

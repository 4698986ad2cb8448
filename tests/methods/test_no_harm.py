"""The no-harm choice: brute force, constraints, ties, binding groups and alternatives."""

from __future__ import annotations

import doctest
import itertools
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairaudit.exceptions import InputError, SpecError
from fairaudit.methods import no_harm
from fairaudit.methods.best_choice import OBJECTIVES, Question, best_choice
from fairaudit.methods.no_harm import choose_no_harm
from tests.methods.known.integer_programs import best_by_integer_programs
from tests.sizes import size


def brute_force(expert, baseline, objective, lower, tolerance, sizes):
    """Best key over all choices, written from the definitions with plain loops."""
    n_groups = len(expert)
    weights = [1.0] * n_groups if sizes is None else list(sizes)
    allowed = [
        expert[g] >= baseline[g] - tolerance - 1e-12 if lower is None else lower[g] > -tolerance
        for g in range(n_groups)
    ]
    best = None
    for use in itertools.product([0, 1], repeat=n_groups):
        if any(u and not ok for u, ok in zip(use, allowed, strict=True)):
            continue
        values = [expert[g] if use[g] else baseline[g] for g in range(n_groups)]
        gap = max(values) - min(values)
        if objective == "max_mean" and gap > max(baseline) - min(baseline) + 1e-12:
            continue
        mean = sum(w * v for w, v in zip(weights, values, strict=True)) / sum(weights)
        aim = {"min_gap": gap, "max_min": -min(values), "max_mean": -mean}[objective]
        key = tuple(round(k, 10) for k in (aim, -min(values), -mean, sum(use)))
        best = key if best is None or key < best else best
    return best


def key_of(choice, objective):
    aim = {"min_gap": choice.gap, "max_min": -choice.worst, "max_mean": -choice.mean}[objective]
    used = int(choice.use_expert.sum())
    return tuple(round(float(k), 10) for k in (aim, -choice.worst, -choice.mean, used))


def random_instance(rng, i):
    g = int(rng.integers(1, 8))
    baseline = rng.uniform(0.5, 0.9, g)
    expert = baseline + rng.normal(0, 0.06, g)
    if i % 3:  # rounding makes ties
        baseline, expert = baseline.round(2), expert.round(2)
    lower = None if i % 2 else expert - baseline - rng.uniform(0, 0.05, g)
    sizes = None if i % 5 else rng.integers(1, 100, g).astype(float)
    return expert, baseline, lower, [0.0, 0.01, 0.03][i % 3], sizes


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_choice_equals_brute_force(objective):
    rng = np.random.default_rng(20)
    for i in range(size(300, 2000)):
        expert, baseline, lower, tolerance, sizes = random_instance(rng, i)
        found = choose_no_harm(expert, baseline, objective, lower, tolerance, sizes)
        assert key_of(found, objective) == brute_force(
            expert, baseline, objective, lower, tolerance, sizes
        )


@pytest.mark.parametrize("models", [2, 3, 4])
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_choice_equals_enumeration_with_ties_and_groups_without_weight(objective, models):
    rng = np.random.default_rng(23)
    for i in range(1500 if models == 2 else 400):
        g = int(rng.integers(1, {2: 11, 3: 7, 4: 6}[models]))
        ask = question(rng, objective, g, models, digits=1 + i % 5)
        listed = np.array(list(itertools.product(range(models), repeat=g)))
        listed = listed[ask.allowed[np.arange(g), listed].all(1)]
        best = min(map(tuple, ask.keys(listed).round(11)))
        assert tuple(ask.keys(best_choice(ask)).round(11)) == best


def question(rng, objective, g, models, digits):
    """A random choice between models; values tie often where digits are few."""
    baseline = rng.uniform(0.5, 0.9, (g, 1))
    values = np.hstack([baseline, baseline + rng.normal(0.02, 0.1, (g, models - 1))]).round(digits)
    allowed = np.hstack([np.ones((g, 1), bool), rng.random((g, models - 1)) < 0.8])
    share = rng.integers(0, 3, g) + (np.arange(g) == 0)
    return Question(values, allowed, share / share.sum(), objective)


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("g", [3, 20, 64])
def test_choice_equals_integer_programs(objective, g):
    rng = np.random.default_rng(21 + g)
    for i in range(12 if g < 64 else 3):
        baseline = rng.uniform(0.5, 0.9, g).round(2 + i % 7)
        expert = (baseline + rng.normal(0.02, 0.06, g)).round(3)
        allowed = np.column_stack([np.ones(g, bool), rng.random(g) < 0.8])
        ask = Question(np.column_stack([baseline, expert]), allowed, np.full(g, 1 / g), objective)
        programs = ask.keys(best_by_integer_programs(ask).astype(np.int64))
        assert np.allclose(programs, ask.keys(best_choice(ask)), atol=1e-9)


def window_sweep(expert, baseline, free):
    """Smallest gap by another algorithm: every value as lower end, cheapest upper end."""
    values = [[b, e] if ok else [b] for b, e, ok in zip(baseline, expert, free, strict=True)]
    best = np.inf
    for low in sorted({v for group in values for v in group}):
        reached = [[v for v in group if v >= low] for group in values]
        if all(reached):
            best = min(best, max(min(group) for group in reached) - low)
    return best


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_no_constraint_is_broken_with_64_groups(objective):
    rng = np.random.default_rng(22)
    for _ in range(3):
        baseline = rng.uniform(0.6, 0.9, 64)
        expert = baseline + rng.normal(0.02, 0.05, 64)
        lower = expert - baseline - 0.01
        found = choose_no_harm(expert, baseline, objective, lower)
        assert (lower[found.use_expert] > 0).all()
        if objective == "max_mean":
            assert found.gap <= np.ptp(baseline) + 1e-12
        if objective == "min_gap":
            assert found.gap == pytest.approx(window_sweep(expert, baseline, lower > 0), abs=1e-12)
        if objective == "max_min":
            best = np.where(lower > 0, np.maximum(expert, baseline), baseline)
            assert found.performance == pytest.approx(best)


scores = st.lists(st.tuples(st.floats(0.3, 0.99), st.floats(0.3, 0.99)), min_size=1, max_size=6)


@settings(max_examples=100, deadline=None)
@given(scores, st.sampled_from(OBJECTIVES), st.floats(0, 0.1))
def test_no_group_is_harmed_beyond_the_tolerance(pairs, objective, tolerance):
    expert, baseline = (np.array(v) for v in zip(*pairs, strict=True))
    found = choose_no_harm(expert, baseline, objective, tolerance=tolerance)
    assert (found.performance >= baseline - tolerance - 1e-9).all()
    if objective != "max_min":
        assert found.gap <= np.ptp(baseline) + 1e-9 or tolerance > 0


@settings(max_examples=60, deadline=None)
@given(scores, st.sampled_from(OBJECTIVES), st.integers(0, 1000))
def test_order_of_groups_does_not_matter(pairs, objective, seed):
    expert, baseline = (np.array(v) for v in zip(*pairs, strict=True))
    order = np.random.default_rng(seed).permutation(len(expert))
    found = choose_no_harm(expert, baseline, objective)
    again = choose_no_harm(expert[order], baseline[order], objective)
    assert key_of(found, objective) == key_of(again, objective)


def test_baseline_wins_a_dead_tie():
    for objective in OBJECTIVES:
        assert not choose_no_harm([0.8, 0.7], [0.8, 0.7], objective).use_expert.any()


def test_equal_gaps_go_to_the_better_worst_group_then_the_better_mean():
    # the gap is 0.02 with both experts and with none: the better worst group wins
    both = choose_no_harm([0.80, 0.82], [0.70, 0.72], "min_gap")
    assert both.use_expert.tolist() == [True, True]
    # third group: expert inside the window changes neither gap nor worst, only the mean
    third = choose_no_harm([0.7, 0.8, 0.78], [0.7, 0.8, 0.75], "min_gap")
    assert third.use_expert.tolist() == [False, False, True]


def test_each_group_takes_its_better_model_unless_another_objective_is_named():
    expert, baseline = [0.80, 0.78, 0.90], [0.70, 0.80, 0.85]
    assert choose_no_harm(expert, baseline).use_expert.tolist() == [True, False, True]
    assert choose_no_harm(expert, baseline, "min_gap").use_expert.tolist() == [True, False, False]


def test_min_gap_may_pass_over_a_better_expert_and_max_min_does_not():
    expert, baseline = [0.95, 0.80], [0.80, 0.75]
    assert choose_no_harm(expert, baseline, "min_gap").use_expert.tolist() == [False, True]
    assert choose_no_harm(expert, baseline, "max_min").use_expert.tolist() == [True, True]


def test_greedy_choice_reports_that_it_widens_the_gap():
    found = choose_no_harm([0.95, 0.76], [0.80, 0.75], "max_min")
    assert found.gap > found.baseline_gap


def test_bound_decides_admissibility_strictly_above_minus_tolerance():
    at_hurdle = choose_no_harm([0.9], [0.8], lower_bound=[0.0])
    above = choose_no_harm([0.9], [0.8], lower_bound=[1e-6])
    within = choose_no_harm([0.9, 0.5], [0.8, 0.5], lower_bound=[-0.005, -1], tolerance=0.01)
    assert not at_hurdle.use_expert[0]
    assert above.admissible[0]
    assert within.admissible.tolist() == [True, False]


def test_undefined_performance_keeps_the_baseline_and_does_not_count():
    found = choose_no_harm([np.nan, 0.8, 0.9], [0.2, np.nan, 0.85], "min_gap")
    assert found.use_expert.tolist() == [False, False, False]
    assert found.gap == pytest.approx(0.65)
    nothing = choose_no_harm([np.nan], [np.nan])
    assert not nothing.use_expert.any()
    assert np.isnan(nothing.gap)


def test_binding_group_is_named_with_what_its_condition_costs():
    # group 0's expert would close the gap but is not admissible
    found = choose_no_harm([0.85, 0.85], [0.70, 0.85], "min_gap", [-0.01, -0.01])
    assert found.binding == [0]
    assert found.relaxed[0] == pytest.approx(0.0)
    assert found.gap == pytest.approx(0.15)


def test_nothing_binds_when_every_expert_is_admissible():
    assert choose_no_harm([0.9, 0.9], [0.8, 0.7]).binding == []


def test_alternatives_list_every_feasible_choice_once_best_first():
    found = choose_no_harm([0.85, 0.84, 0.6], [0.70, 0.80, 0.75], "min_gap")
    table = found.alternatives
    assert len(table) == 4  # the third expert is worse
    assert table["experts"].n_unique() == 4
    assert table["chosen"].to_list() == [True, False, False, False]
    assert table["gap"].is_sorted()
    assert table["feasible"].all()


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_choice_heads_the_alternatives_though_rounding_tells_equal_gaps_apart(objective):
    rng = np.random.default_rng(24)
    for _ in range(300):
        g = int(rng.integers(2, 6))
        baseline, expert = (rng.integers(50, top, g) / 100 for top in (60, 62))
        table = choose_no_harm(expert, baseline, objective).alternatives
        assert table["chosen"].to_list().index(True) == 0
    # 0.57 − 0.54 and 0.60 − 0.57 differ in the last bit: the better worst group comes first
    narrow = choose_no_harm([0.60, 0.59, 0.56], [0.55, 0.54, 0.57], "min_gap")
    assert narrow.alternatives["experts"].to_list()[:2] == ["0 + 1", ""]


def test_forbidden_choices_are_listed_on_request_and_marked():
    found = choose_no_harm([0.85, 0.84, 0.6], [0.70, 0.80, 0.75])
    table = found.table_of_choices(["a", "b", "c"], infeasible=True)
    assert len(table) == 8
    assert table.filter(table["experts"].str.contains("c"))["feasible"].any() is False
    assert table.filter("chosen")["experts"].to_list() == ["a + b"]


def test_sixteen_groups_list_all_alternatives():
    rng = np.random.default_rng(1)
    baseline = rng.uniform(0.6, 0.9, 16)
    assert len(choose_no_harm(baseline + 0.01, baseline).alternatives) == 2**16


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"objective": "fairest"}, SpecError),
        ({"tolerance": -0.1}, SpecError),
        ({"baseline": [0.1]}, InputError),
        ({"tolerance": "little"}, SpecError),
        ({"tolerance": None}, SpecError),
        ({"sizes": [1, -1]}, InputError),
        ({"sizes": [0, 0]}, InputError),
        ({"sizes": [np.inf, 1]}, InputError),
        ({"sizes": ["many", "few"]}, InputError),
        ({"expert": ["good", "bad"]}, InputError),
        ({"lower_bound": ["low", "high"]}, InputError),
        ({"lower_bound": [0.1]}, InputError),
    ],
)
def test_impossible_requests_are_refused(change, error):
    with pytest.raises(error):
        choose_no_harm(**{"expert": [0.8, 0.9], "baseline": [0.7, 0.8], **change})


def test_example_in_the_docstring_holds():
    assert doctest.testmod(no_harm).failed == 0


def test_choice_and_bounds_import_neither_torch_nor_sklearn():
    code = (
        "import sys, fairaudit.methods.no_harm_table, fairaudit.audit.no_harm.decision; "
        "sys.exit(bool({'torch', 'sklearn'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

"""Stress tests of FairSDE: shifted rows, wrong or missing groups, ablations, objectives, time."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import polars.selectors as cs
from numpy.typing import NDArray

from fairaudit.audit.catalog import method
from fairaudit.audit.fitted import Fitted
from fairaudit.audit.no_harm.choice_intervals import Pair, of_systems, pair_of
from fairaudit.audit.tables.row_tables import people_table, predictions_table
from fairaudit.audit.tables.stored_pairs import HeldRows, held_rows
from fairaudit.data.arrays import Arrays
from fairaudit.exceptions import SpecError
from fairaudit.methods.best_choice import OBJECTIVES, Objective
from fairaudit.methods.common.progress import Monitor, Silent
from fairaudit.methods.no_harm import NoHarmChoice, choose_no_harm
from fairaudit.methods.no_harm_table import ChoiceRules, bounds, check_on, choose
from fairaudit.stats import intervals
from fairaudit.stats.paired_differences import MIN_ROWS, Evidence, Metric

Rule = tuple[str, ChoiceRules]
Fit = Callable[..., Fitted]
STRENGTHS = (0.0, 0.25, 0.5, 0.75, 0.9)
REPEATS = 40
SHARES = (0.0, 0.05, 0.1, 0.2, 0.4)  # of rows whose group is wrong or missing
_SHOWN = ("split", "group", "chosen", "verdict", "baseline", "expert")
_GROUPS_TIMED = (2, 4, 8, 12, 16, 24, 32, 48, 64)


def stress_tests(
    fit: Fit,
    full: Fitted,
    arrays: Arrays,
    params: Mapping[str, Any],
    *,
    no_harm: float | None,
    confidence: float,
    seed: int,
    device: str,
    monitor: Monitor,
) -> Fitted:
    """Run the stress tests that need no more than stored answers and further fits.

    Parameters
    ----------
    fit : callable
        The adapter of FairSDE.
    full : Fitted
        What it gave with the given parameters.
    no_harm : float or None
        Confidence of FairSDE's bound; without one "with the bound" means the audit's confidence.
    confidence : float
        Of all intervals: the audit's.

    Returns
    -------
    Fitted
        `full` and, beside its tables, `stress_shift`, `stress_ablation`,
        `stress_objectives` and `stress_time`.

    Raises
    ------
    SpecError
        When no group's performance is defined on the rows that choose or judge.
    """
    run: dict[str, Any] = {
        "confidence": confidence,
        "seed": seed,
        "device": device,
        "monitor": monitor,
    }
    bound = confidence if no_harm is None else no_harm
    monitor.start("stress tests", 9)
    metric: Metric = full.tables["selection"]["metric"].item(0)
    rows = held_rows(stored(full, arrays))
    _judgeable(rows, metric)
    tables = {
        "stress_shift": shift(rows, metric, params, seed, bound=bound, monitor=monitor),
        "stress_objectives": objectives(
            rows,
            metric,
            float(params.get("tolerance", method("fair-sde").default("tolerance"))),
            bound=bound,
            confidence=confidence,
        ),
        "stress_time": selection_time(seed),
    }
    monitor.step()
    tables["stress_ablation"] = ablation(fit, arrays, params, full, metric, no_harm, run)
    monitor.end()
    summary = {**full.summary, "stress": {"repeats": REPEATS, "strengths": list(STRENGTHS)}}
    return replace(full, tables={**full.tables, **tables}, summary=summary)


def _judgeable(rows: Mapping[str, HeldRows], metric: Metric) -> None:
    """Refuse a result on which no stress test can run, with the remedy."""
    for split, part in rows.items():
        if not np.isfinite(part.evidence(metric).difference).any():
            raise SpecError(
                f"no group's {metric} is defined on the {split} rows (each holds one class only); "
                "choose metric='accuracy' or other groups"
            )


def stored(fitted: Fitted, arrays: Arrays) -> dict[str, pl.DataFrame]:
    """The per-row tables as a result stores them."""
    pair = {name: fitted.predictions[name] for name in ("expert", "baseline")}
    return {
        "predictions": predictions_table(arrays, pair),
        "people": people_table(arrays),
        "selection_rows": fitted.tables["selection_rows"],
    }


# -- 1: validation rows that differ from test rows ------------------------------------------------


def shift(
    rows: Mapping[str, HeldRows],
    metric: Metric,
    params: Mapping[str, Any],
    seed: int,
    *,
    bound: float,
    repeats: int = REPEATS,
    monitor: Monitor | None = None,
) -> pl.DataFrame:
    """Thin out or re-weight one group's validation rows, choose again, look at the test rows.

    "subsample" keeps 1 - strength of the group's rows. "reweight" draws the group's rows with
    replacement, rows of its likelier class (or with values above its median) being left out with
    probability `strength`: the group's class shares on validation and test then differ.

    Returns
    -------
    polars.DataFrame
        group, kind, strength, rule, harm (largest loss of any group on test rows, mean over the
        repeats), low, high (where nine repeats of ten lie), harmed (share of repeats in which
        some group is worse off on test rows than under the baseline by any amount),
        harmed_surely (share of repeats in which some group is worse off beyond its bound),
        changed (share of repeats with another choice than without a shift), gap (test, mean),
        metric.
    """
    test = rows.get("test")
    if test is None:
        return pl.DataFrame()
    judged = test.evidence(metric)
    objective = params.get("objective", method("fair-sde").default("objective"))
    strict = ChoiceRules(objective, bound, bound)
    sure = judged.judged & (bounds(judged, strict).upper < 0)
    tolerance = float(params.get("tolerance", method("fair-sde").default("tolerance")))
    rng = np.random.default_rng(seed)
    out: list[dict[str, Any]] = []
    monitor = monitor or Silent()
    monitor.start("shifting validation rows", 2 * len(test.names) * 2 * len(STRENGTHS))
    for label, rules in _both(objective, bound, tolerance):
        usual = _chosen(rows["validation"].evidence(metric), rules).use_expert
        for group, kind, strength in itertools.product(
            range(len(test.names)), ("subsample", "reweight"), STRENGTHS
        ):
            many = repeats if strength or kind == "reweight" else 1
            moved = [_shifted(rows["validation"], group, kind, strength, rng) for _ in range(many)]
            drawn = [_chosen(part.evidence(metric), rules) for part in moved]
            facts = _harm_on(judged, sure, drawn, usual)
            head = {"group": test.names[group], "kind": kind, "strength": strength, "rule": label}
            out.append({**head, **facts, "metric": metric})
            monitor.step()
    monitor.end()
    return pl.DataFrame(out)


def _both(objective: Objective, bound: float, tolerance: float) -> tuple[Rule, Rule]:
    """The choice with a bound of that confidence, and on point estimates alone."""
    return (
        ("bound", ChoiceRules(objective, bound, bound, tolerance)),
        ("point estimates", ChoiceRules(objective, None, bound, tolerance)),
    )


def _chosen(evidence: Evidence, rules: ChoiceRules) -> NoHarmChoice:
    return choose(evidence, bounds(evidence, rules), rules, binding=False)


def _shifted(
    rows: HeldRows, group: int, kind: str, strength: float, rng: np.random.Generator
) -> HeldRows:
    rows_of_group = np.flatnonzero(rows.codes == group)
    others = np.flatnonzero(rows.codes != group)
    if kind == "subsample":
        size = max(1, round((1 - strength) * len(rows_of_group))) if len(rows_of_group) else 0
        picked = rng.choice(rows_of_group, size, replace=False)
    else:
        picked = _reweighted(rows.y[rows_of_group], rows_of_group, strength, rng)
    return rows.take(np.r_[others, picked])


def _reweighted(
    y: NDArray[Any], mine: NDArray[np.int64], strength: float, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Rows of a group drawn with replacement, the common half of them less often."""
    if not len(mine):
        return mine
    values, counts = np.unique(y, return_counts=True)
    common = y == values[counts.argmax()] if len(values) <= 20 else y > np.median(y)
    weight = np.where(common, 1 - strength, 1.0)
    return np.asarray(rng.choice(mine, len(mine), p=weight / weight.sum()))


def _harm_on(
    test: Evidence, sure: NDArray[np.bool_], drawn: list[NoHarmChoice], usual: NDArray[np.bool_]
) -> dict[str, float]:
    """`sure` (G,): groups whose expert does worse on test rows beyond the bound."""
    known = np.isfinite(test.difference)
    use = np.array([choice.use_expert for choice in drawn])[:, known]
    change = np.where(use, test.difference[known], 0.0)
    after = np.where(use, test.expert[known], test.baseline[known])
    harm = 0.0 - change.min(1)  # no minus zero
    return {
        "harm": float(harm.mean()),
        # where nine draws of ten lie: how shifts vary, no confidence interval
        "low": float(np.quantile(harm, 0.05)),
        "high": float(np.quantile(harm, 0.95)),
        "harmed": float((harm > 0).mean()),
        "harmed_surely": float((use & sure[known]).any(1).mean()),
        "changed": float((use != usual[known]).any(1).mean()),
        "gap": float(np.ptp(after, axis=1).mean()),
    }


# -- 2: groups that are wrong or missing when the model answers ----------------------------------


def group_errors(
    gains: NDArray[np.float64],
    own: NDArray[np.int64],
    guessed: NDArray[np.int64],
    names: list[str],
    *,
    weight: NDArray[np.float64] | None = None,
    cluster: NDArray[Any] | None = None,
    confidence: float,
) -> pl.DataFrame:
    """Performance of each group when a share of its rows has a wrong or no group label.

    The choice stays as it is; only the group that is given at prediction errs. "wrong" names one
    of the other groups at random, "missing, guessed" lets the discriminator name one, "missing,
    baseline" lets the baseline answer. Means over the errors are exact, not drawn.

    Parameters
    ----------
    gains : (m, G)
        For each test row, what the model that answers for group h gains over the baseline.
    own, guessed : (m,)
        The row's group (-1: not known in training) and the group that is guessed.
    weight, cluster : (m,) or None

    Returns
    -------
    polars.DataFrame
        kind, share, group, n, difference (from the baseline), low, high (t interval over rows,
        or clusters; null for groups of fewer than 20 rows).
    """
    rows = np.arange(len(own))
    right = gains[rows, np.maximum(own, 0)]
    others = max(gains.shape[1] - 1, 1)
    instead = {
        "wrong": (gains.sum(1) - right) / others,
        "missing, guessed": gains[rows, guessed],
        "missing, baseline": np.zeros(len(own)),
    }
    out: list[dict[str, Any]] = []
    for (kind, other), share, group in itertools.product(
        instead.items(), SHARES, range(len(names))
    ):
        in_group = own == group
        each = ((1 - share) * right + share * other)[in_group]
        mean, *limits = intervals.mean_of_rows(
            each,
            None if weight is None else weight[in_group],
            None if cluster is None else cluster[in_group],
            confidence=confidence,
        )
        low, high = limits if len(each) >= MIN_ROWS else (np.nan, np.nan)
        head = {"kind": kind, "share": share, "group": names[group], "n": len(each)}
        out.append({**head, "difference": mean, "low": low, "high": high})
    return pl.DataFrame(out).with_columns(cs.float().fill_nan(None))


# -- 3: what each part contributes ----------------------------------------------------------------


def ablation(
    fit: Fit,
    arrays: Arrays,
    params: Mapping[str, Any],
    full: Fitted,
    metric: Metric,
    no_harm: float | None,
    given: Mapping[str, Any],
) -> pl.DataFrame:
    """Train with each loss on and off, and apply each choice to every run.

    Returns
    -------
    polars.DataFrame
        discriminator, centres, divergence (bool), selection ("none": the experts always,
        "max_min", "min_gap"), split (of the rows that judge: "test" where there are any),
        overall, worst, gap, harmed (groups worse than the baseline there beyond their bound),
        metric; and overall_low to gap_high, the ends of intervals over rows (or clusters).
        What another training would give is not in them.
    """
    lambdas = tuple(float(v) for v in params.get("lambdas", (0.1, 0.1, 0.1)))
    out: list[dict[str, Any]] = []
    for on in itertools.product((True, False), repeat=3):
        if params.get("training") == "staged" and not any(on):
            continue  # nothing would train the representation
        weights = [w if used else 0.0 for w, used in zip(lambdas, on, strict=True)]
        run = full if all(on) else fit(arrays, {**params, "lambdas": weights}, **given)
        rows = held_rows(stored(run, arrays))
        parts = dict(zip(("discriminator", "centres", "divergence"), on, strict=True))
        chosen = _selections(rows, metric, no_harm, given["confidence"])
        out += [{**parts, **row, "metric": metric} for row in chosen]
        given["monitor"].step()
    return pl.DataFrame(out).with_columns(cs.float().fill_nan(None))


def _selections(
    rows: Mapping[str, HeldRows], metric: Metric, no_harm: float | None, confidence: float
) -> list[dict[str, Any]]:
    evidence = rows["validation"].evidence(metric)
    split = "test" if "test" in rows else "validation"
    judged, pair = (
        rows[split].evidence(metric),
        pair_of(rows[split], metric, confidence=confidence),
    )
    out: list[dict[str, Any]] = []
    aims: dict[str, Objective] = {"none": "min_gap", "max_min": "max_min", "min_gap": "min_gap"}
    for name, aim in aims.items():
        rules = ChoiceRules(aim, no_harm, confidence)
        choice = _chosen(evidence, rules)
        use = np.isfinite(evidence.expert) if name == "none" else choice.use_expert
        out.append({"selection": name, "split": split, **_outcome(judged, use, rules, pair)})
    return out


def _outcome(
    judged: Evidence, use: NDArray[np.bool_], rules: ChoiceRules, pair: Pair
) -> dict[str, float]:
    """Overall, worst group, gap and harmed groups when the experts of `use` answer."""
    after = np.where(use, judged.expert, judged.baseline)
    known = np.isfinite(after) & (judged.n > 0)
    limits = bounds(judged, rules)
    harmed = use & judged.judged & (limits.upper < 0)
    spans = pair.over_groups(use, known, judged.mass)
    return {
        "overall": float(np.average(after[known], weights=judged.mass[known])),
        "worst": float(after[known].min()),
        "gap": float(np.ptp(after[known])),
        "harmed": int(harmed.sum()),
        **_ends("overall", spans["mean"]),
        **_ends("worst", spans["worst"]),
        **_ends("gap", spans["gap"]),
    }


def _ends(name: str, span: tuple[float, float]) -> dict[str, float]:
    return {f"{name}_low": span[0], f"{name}_high": span[1]}


# -- 4: the objectives side by side ---------------------------------------------------------------


def objectives(
    rows: Mapping[str, HeldRows],
    metric: Metric,
    tolerance: float,
    *,
    bound: float,
    confidence: float,
) -> pl.DataFrame:
    """Every objective, with the bound and on point estimates, from the same run.

    Returns
    -------
    polars.DataFrame
        objective, rule, split, group, chosen, verdict, baseline, expert, value (of the chosen
        model), gap_before, gap_after, metric; and the limits of intervals over rows (or
        clusters): baseline_low to expert_high, low and high of the value, gap_before_low to
        gap_after_high.
    """
    evidence = {split: part.evidence(metric) for split, part in rows.items()}
    pairs = {split: pair_of(part, metric, confidence=confidence) for split, part in rows.items()}
    names = rows["validation"].names
    parts: list[pl.DataFrame] = []
    pairs_of_rules = (_both(objective, bound, tolerance) for objective in OBJECTIVES)
    for label, rules in itertools.chain.from_iterable(pairs_of_rules):
        choice = _chosen(evidence["validation"], rules)
        for split, judged in evidence.items():
            table = check_on(split, judged, names, rules, choice).select(_SHOWN)
            numbers = _chosen_values(judged, choice.use_expert, pairs[split])
            head = {"objective": rules.objective, "rule": label, "metric": metric}
            parts.append(
                table.with_columns(
                    **{name: pl.lit(word) for name, word in head.items()},
                    **{name: pl.lit(v, pl.Float64) for name, v in numbers.items()},
                )
            )
    return pl.concat(parts).with_columns(cs.float().fill_nan(None))


def _chosen_values(judged: Evidence, use: NDArray[np.bool_], pair: Pair) -> dict[str, Any]:
    """Values of the chosen models and the gap before and after, with their intervals."""
    nobody = np.zeros_like(use)
    after = np.where(use, judged.expert, judged.baseline)
    systems = of_systems(pair, judged)
    numbers: dict[str, Any] = {"value": after}
    for side in ("low", "high"):
        numbers[side] = np.where(use, systems[f"expert_{side}"], systems[f"baseline_{side}"])
    for when, values, chosen in (("before", judged.baseline, nobody), ("after", after, use)):
        known = np.isfinite(values)
        numbers[f"gap_{when}"] = float(np.ptp(values[known])) if known.any() else None
        span = pair.over_groups(chosen, known, judged.mass)["gap"]
        numbers |= _ends(f"gap_{when}", span)
    return {**numbers, **systems}


# -- 5: time of the choice ------------------------------------------------------------------------


def selection_time(
    seed: int, sizes: tuple[int, ...] = _GROUPS_TIMED, repeats: int = 3
) -> pl.DataFrame:
    """Seconds to choose among invented performances of 2 to 64 groups (median of the repeats).

    Returns
    -------
    polars.DataFrame
        n_groups, objective, seconds.
    """
    rng = np.random.default_rng(seed)
    out: list[dict[str, Any]] = []
    for n_groups, objective in itertools.product(sizes, OBJECTIVES):
        spent: list[float] = []
        for _ in range(repeats):
            baseline = rng.uniform(0.6, 0.9, n_groups)
            expert = baseline + rng.normal(0.02, 0.05, n_groups)
            began = time.perf_counter()
            choose_no_harm(expert, baseline, objective, expert - baseline - 0.01)
            spent.append(time.perf_counter() - began)
        row = {"n_groups": n_groups, "objective": objective, "seconds": float(np.median(spent))}
        out.append(row)
    return pl.DataFrame(out)

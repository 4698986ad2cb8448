"""One audit from dataset and spec to a result: fit, evaluate on held-out rows, record how."""

from __future__ import annotations

import platform
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit._version import __version__
from fairaudit.audit import presets, seed_comparison
from fairaudit.audit.adapters import adapter
from fairaudit.audit.catalog import method
from fairaudit.audit.fitted import Fitted, Prediction
from fairaudit.audit.inputs import NO_NUMERIC_BOUNDS
from fairaudit.audit.latent.groups import LatentAudit, audit_latent
from fairaudit.audit.latent.projection import projection_table
from fairaudit.audit.metrics.scores import is_probability
from fairaudit.audit.no_harm.decision import certificates
from fairaudit.audit.no_harm.hidden_groups import NOTE as CHOICE_NOTE
from fairaudit.audit.no_harm.hidden_groups import hidden_of_choice, shown_choice
from fairaudit.audit.predictions import (
    chosen_metrics,
    judge,
    score_facts,
    score_warnings,
    truth_of,
)
from fairaudit.audit.presets.decisions import SCORING_RATE, no_impact, refuse_task, scores_alone
from fairaudit.audit.questions import asked_primary, check_controls, check_margin
from fairaudit.audit.result import AuditResult
from fairaudit.audit.score_direction import refuse_contradicted
from fairaudit.audit.spec import AuditSpec
from fairaudit.audit.table_systems import (
    SIDE_REMEDY,
    assumptions,
    class_names,
    existing_systems,
    matched_labels,
)
from fairaudit.audit.tables.hidden import hidden_in, without_hidden
from fairaudit.audit.tables.looks import with_looks
from fairaudit.audit.tables.merge_offers import merge_offers
from fairaudit.audit.tables.primary import primary_facts
from fairaudit.audit.tables.row_tables import people_table, predictions_table, weights_table
from fairaudit.audit.whatif.flips import flip_table
from fairaudit.data.arrays import SPLITS, Arrays
from fairaudit.data.dataset import Dataset
from fairaudit.data.decision_labels import OutcomeLabels
from fairaudit.data.doctor.leaks import leaking_columns
from fairaudit.data.doctor.proxies import find_proxies
from fairaudit.data.doctor.table_scores import systems_of
from fairaudit.data.grouping import group_labels
from fairaudit.data.labels import label_text
from fairaudit.data.mends import sentence
from fairaudit.data.outcome import unsure_positive
from fairaudit.data.small_groups import merging
from fairaudit.data.splits import SplitSpec
from fairaudit.data.splitting import TRAIN
from fairaudit.exceptions import SpecError
from fairaudit.methods.common.progress import Monitor, Silent

HELD_OUT = ("test", "validation")  # rows that no model was fitted on
ALL = "all"
LATENT = "latent group"
SEEN = "cluster seen"
MIN_LATENT_ROWS = 400
GIVES_AWAY = 0.95  # no confidence: AUROC of telling an answer from one column alone
Tables = dict[str, pl.DataFrame]


def run_audit(
    dataset: Dataset,
    spec: AuditSpec,
    *,
    monitor: Monitor | None = None,
    device: str = "auto",
    model_folder: Path | None = None,
    facts: Mapping[str, Any] | None = None,
) -> AuditResult:
    """Run one audit in this process.

    Parameters
    ----------
    dataset : Dataset
        Frame and roles; `spec.roles` wins where the two differ.
    spec : AuditSpec
    monitor : Monitor or None
        Hears progress and may cancel.
    device : {"auto", "cpu", "cuda"}
    model_folder : Path or None
        Where the fitted model is written (safetensors + JSON), for methods that have one.
    facts : mapping or None
        Further provenance: `source` (a name), `dataset` (SHA-256 of the content), `command`.

    Returns
    -------
    AuditResult

    Raises
    ------
    SpecError, InputError
        When the request or the data cannot be used; the text names the remedy.
    TrainingError
        When no usable model came out.
    Cancelled
        When the monitor requests a stop.
    """
    began = time.perf_counter()
    monitor = monitor or Silent()
    data = _merged(Dataset(dataset.frame, spec.roles, dataset.images), spec.merge_below)
    outcome = data.outcome
    if (
        spec.preset in presets.EMPLOYMENT
        and outcome.meaning == "neutral"
        and not outcome.guessed_meaning
    ):
        raise no_impact(str(spec.preset), outcome.positive)
    check_margin(spec.margin, spec.roles.task)
    monitor.start("audit")
    if spec.kind == "predictions":
        tables, summary = _predictions(data, spec, monitor)
    elif spec.kind == "compare":
        tables, summary = _compare(data, spec, monitor, device)
    else:
        tables, summary = _train(data, spec, monitor, device, model_folder)
    offers = merge_offers(tables, summary["rows"], spec)
    summary = {**summary, "warnings": [*summary["warnings"], *offers]}
    if "overlap" in tables:
        tables["overlap"] = without_hidden(tables["overlap"], hidden_in(tables))
    if len(left_out := _left_out(data, spec)):
        tables["excluded"] = left_out
    if spec.primary is not None:
        summary = {**summary, "primary": primary_facts(tables)}
    monitor.end()
    seconds = time.perf_counter() - began
    origin = {**provenance(spec, device, seconds), **(facts or {})}
    return _with_preset(AuditResult(tables, summary, origin), data, spec)


def _merged(data: Dataset, below: int) -> Dataset:
    """The table with its small groups merged, as a mend of its roles."""
    mends = merging(data.frame, data.roles.sensitive, below)
    roles = data.roles.model_copy(update={"mends": (*data.roles.mends, *mends)})
    return Dataset(data.frame, roles, data.images) if mends else data


def _with_preset(result: AuditResult, data: Dataset, spec: AuditSpec) -> AuditResult:
    """The result, with the computations that the rule of `spec.preset` requires."""
    if spec.preset is None:
        return result
    applied = presets.apply(
        spec.preset,
        result=result,
        frame=data.frame,
        roles=data.roles,
        confidence=spec.confidence,
        options=spec.preset_options,
        **_all_decisions(data, spec),
    )
    return applied.joined(result)


def _all_decisions(data: Dataset, spec: AuditSpec) -> dict[str, Any]:
    """The first system's decisions of every row that has one, with or without an outcome."""
    roles = data.roles
    if spec.kind != "predictions" or spec.preset not in presets.SELECTIONS:
        return {}
    refuse_task(spec.preset, roles.task)
    label, score = systems_of(roles, data.frame)[0]
    first = roles.model_copy(
        update={
            "predictions": () if label is None else (label,),
            "scores": () if score is None else (score,),
            "cuts": {c: cut for c, cut in roles.cuts.items() if c == score},
        }
    )
    frame = data.frame.drop_nulls([str(label or score)])
    if label is not None:
        first = first.model_copy(update={"scores": (), "cuts": {}})
    classes = class_names(frame, roles, data.outcome)
    median = spec.preset == SCORING_RATE
    sure = not data.outcome.guessed_positive
    systems = existing_systems(frame, first, classes, sure=sure, median=median)
    name, system = next(iter(systems.items()))
    rows = np.ones(len(frame), dtype=bool)
    people = {
        "groups": {s: group_labels(frame[s], rows) for s in roles.sensitive},
        "weight": None if roles.weight is None else frame[roles.weight],
    }
    if median and scores_alone(first, name):
        return {"score": system.score, **people}
    return {"selected": system.label == 1, **people}


def _train(
    data: Dataset, spec: AuditSpec, monitor: Monitor, device: str, model_folder: Path | None
) -> tuple[Tables, dict[str, Any]]:
    _require_outcome(data)
    fit = adapter(spec.method, spec.kind)
    swept = {"n_groups"} if spec.kind == "sweep" else set()  # a sweep takes several
    method(spec.method).check({k: v for k, v in spec.params.items() if k not in swept})
    monitor.start("preparing rows", 1)
    prepared = data.prepared(spec.split, spec.seed)
    arrays = prepared.arrays
    monitor.step()
    monitor.end()
    _check_primary(spec, arrays, ())
    controls = _controls(data, arrays, spec, arrays.split == TRAIN)
    fitted = fit(
        arrays,
        spec.params,
        confidence=spec.confidence,
        seed=spec.seed,
        device=device,
        monitor=monitor,
    )
    if fitted.save is not None and model_folder is not None:
        fitted.save(model_folder)
    monitor.start("evaluating on held-out rows", 2)
    predictions = {**fitted.predictions, **_existing(data, arrays, spec)}
    tables = judged(arrays, predictions, fitted.tables, spec, monitor, controls)
    monitor.end()
    tables |= dict(fitted.tables)
    tables["predictions"] = predictions_table(arrays, predictions)
    if "latent" in tables:
        plane = projection_table(arrays, tables["latent"], spec.projection, spec.seed)
        tables |= {} if plane is None else {"projection": plane}
    tables["people"] = people_table(arrays)
    tables |= weights_table(arrays)
    if fitted.answer is not None and arrays.groups:
        asked = data, prepared, fitted.answer
        tables["flips"] = flip_table(*asked, confidence=spec.confidence, seed=spec.seed)
    tables, own = _choice_shown(tables, fitted.summary, arrays, spec)
    facts = {**own, "scores": score_facts(predictions, arrays.task)}
    return tables, _with_warnings(_headline(data, arrays, spec), facts)


def _choice_shown(
    tables: Tables, summary: Mapping[str, Any], arrays: Arrays, spec: AuditSpec
) -> tuple[Tables, dict[str, Any]]:
    """Tables and facts of a no-harm choice without what shows a suppressed group."""
    hidden = hidden_of_choice(tables, arrays.groups, spec.intersections, spec.suppress_below)
    if not hidden:
        return tables, dict(summary)
    tables = shown_choice(tables, hidden)
    facts = {name: fact for name, fact in summary.items() if name != "choice"}
    facts["certificates"] = certificates(tables)
    return tables, {**facts, "warnings": [*facts.get("warnings", []), CHOICE_NOTE]}


def _require_outcome(data: Dataset) -> None:
    if data.roles.target is None:
        raise SpecError("training needs an outcome, and no target is named; name one (--target)")


def _with_warnings(headline: dict[str, Any], summary: Mapping[str, Any]) -> dict[str, Any]:
    warnings = [*headline["warnings"], *summary.get("warnings", [])]
    return {**headline, **summary, "warnings": warnings}


def _predictions(
    data: Dataset, spec: AuditSpec, monitor: Monitor
) -> tuple[Tables, dict[str, Any]]:
    """Audit the systems in the table on all its rows; nothing is trained, nothing is split."""
    roles = data.roles
    if not roles.predictions and not roles.scores:
        raise SpecError("no column holds predictions or scores; name one, or train a model")
    arrays, known = _decided_rows(data, spec)
    systems = _existing(data, arrays, spec, known=known)
    monitor.start("evaluating", 1)
    rows = np.ones(len(arrays), dtype=bool)
    frame = _rows_of(data, arrays)  # without training, numbers are cut at quartiles of all rows
    groups = {s: group_labels(frame[s], rows) for s in roles.sensitive}
    arrays = replace(arrays, groups=groups)
    _check_primary(spec, arrays, systems, known)
    controls = _controls(data, arrays, spec, rows)
    tables = dict(
        _judge(arrays, systems, arrays.groups, rows, ALL, spec, known=known, controls=controls)
    )
    monitor.step()
    monitor.end()
    tables["predictions"] = predictions_table(arrays, systems, whole=True, known=known)
    tables["people"] = people_table(arrays, whole=True)
    tables |= weights_table(arrays)
    scores = score_facts(systems, arrays.task)
    facts = {
        "rows": {ALL: len(arrays)},
        "systems": list(systems),
        "method": "predictions",
        "scores": scores,
        "warnings": [
            *_median_cuts(data, spec, systems),
            *assumptions(roles, systems),
            *score_warnings(scores, tables["errors"], data.outcome.meaning),
        ],
    }
    latent, latent_facts = _latent_errors(data, spec, systems)
    return {**tables, **latent}, _with_warnings(
        _headline(data, arrays, spec), {**facts, **latent_facts}
    )


def _decided_rows(data: Dataset, spec: AuditSpec) -> tuple[Arrays, NDArray[np.bool_] | None]:
    """The rows whose decisions are audited, and where their outcome is known (None: everywhere).

    Where it is not known everywhere no row is left out for that: selection rates count all.
    """
    bare = data.roles.model_copy(update={"features": (), "image": None})
    if bare.target is not None and bare.known_for is None:
        return Dataset(data.frame, bare).arrays(SplitSpec(), spec.seed), None
    arrays = _without_truth(data).arrays(SplitSpec(), spec.seed)
    frame = _rows_of(data, arrays)
    classes = class_names(frame, data.roles, data.outcome)
    if data.roles.target is None:
        y = np.zeros(len(arrays), dtype=np.int64)
        return replace(arrays, classes=classes, y=y), np.zeros(len(arrays), dtype=bool)
    if data.roles.task == "regression":
        raise SpecError(
            f"the outcome is known for some rows only ('{data.roles.known_for}'): "
            f"{NO_NUMERIC_BOUNDS}; leave the column out to audit the known rows alone"
        )
    text = label_text(frame[data.roles.target])
    if data.roles.task == "binary":
        y = (text == data.outcome.positive).fill_null(False).to_numpy().astype(np.int64)
    else:
        code = {name: i for i, name in enumerate(classes)}
        y = np.array([code.get(v, 0) for v in text.to_list()], dtype=np.int64)
    return replace(arrays, classes=classes, y=y), text.is_not_null().to_numpy()


def _without_truth(data: Dataset) -> Dataset:
    """The same people, groups, weights and clusters, without outcome, decisions and features."""
    nothing: dict[str, Any] = dict.fromkeys(("target", "known_for", "positive", "image"))
    nothing |= dict.fromkeys(("features", "predictions", "scores"), ())
    return Dataset(data.frame, data.roles.model_copy(update={**nothing, "cuts": {}}))


def _median_cuts(data: Dataset, spec: AuditSpec, systems: Mapping[str, Prediction]) -> list[str]:
    """Remarks on scores that were cut at the median, as the rule requires."""
    if spec.preset != SCORING_RATE:
        return []
    return [
        f"Score '{name}' has no cut of its own: as the scoring rate of Local Law 144 does, rows "
        f"above the median count as selected (at or above {s.cut.at:g})."
        for name, s in systems.items()
        if s.cut is not None and name not in data.roles.cuts and not is_probability(_score(s))
    ]


def _score(system: Prediction) -> NDArray[np.float64]:
    assert system.score is not None
    return system.score


def _latent_errors(
    data: Dataset, spec: AuditSpec, systems: Mapping[str, Prediction]
) -> tuple[Tables, dict[str, Any]]:
    """Unlabelled groups in which a system errs, detected and evaluated on different rows.

    With several systems the one with the smallest adjusted p is shown; its p-values and intervals
    are adjusted for the number of systems too (Bonferroni), so that the chance of any false alarm
    stays at 1 − confidence.
    """
    roles = data.roles
    if roles.target is None or roles.known_for is not None or len(data) < MIN_LATENT_ROWS:
        return {}, {}
    kept, left_out = _innocent_features(data, systems)
    if not kept:
        return {}, {}
    bare = roles.model_copy(update={"image": None, "features": kept})
    arrays = Dataset(data.frame, bare).arrays(SplitSpec(), spec.seed)
    if arrays.cluster is not None and np.bincount(arrays.cluster).max() > len(arrays) / 2:
        return {}, {"latent_findings": {name: {"searched": False} for name in systems}}
    audits = {
        name: audit_latent(
            arrays.X,
            arrays.feature_names,
            arrays.y,
            system.label,
            task=arrays.task,
            groups=arrays.groups,
            row_id=arrays.row_id,
            clusters=arrays.cluster,
            sample_weight=arrays.weight,
            units=arrays.units,
            confidence=spec.confidence,
            systems=len(systems),
            random_state=spec.seed,
        )
        for name, system in systems.items()
    }
    shown = min(audits, key=lambda name: _smallest_p(audits[name]))
    facts = {
        "latent_system": shown,
        "latent_systems": len(systems),
        "latent_findings": {n: audit.finding.to_dict() for n, audit in audits.items()},
        "latent_left_out": left_out,
    }
    return dict(audits[shown].tables), facts


def _innocent_features(
    data: Dataset, systems: Mapping[str, Prediction]
) -> tuple[tuple[str, ...], list[str]]:
    """Features to describe groups by, and those that all but give away the outcome or a system's
    own answer: "the system errs where its score is high" explains nothing."""
    roles = data.roles
    excluded = pl.col(roles.row_id).is_in(data.excluded["row"].implode())
    answers = {f"answer {i}": s.label.astype(str) for i, s in enumerate(systems.values())}
    frame = data.frame.filter(~excluded).sort(roles.row_id)
    frame = frame.with_columns(pl.Series(k, v.tolist()) for k, v in answers.items())
    targets = [c for c in (roles.target, *answers) if c is not None]
    table = find_proxies(frame, roles.features, targets)
    revealing = set(table.filter(pl.col("auroc") >= GIVES_AWAY)["feature"])
    if roles.target is not None:
        revealing |= leaking_columns(frame, roles.features, roles.target).keys()
    return tuple(f for f in roles.features if f not in revealing), sorted(revealing)


def _smallest_p(audit: LatentAudit) -> float:
    smallest = audit.tables["latent_tests"]["p_adjusted"].min()
    return 1.0 if smallest is None else float(smallest)  # type: ignore[arg-type]


def _existing(
    data: Dataset, arrays: Arrays, spec: AuditSpec, known: NDArray[np.bool_] | None = None
) -> dict[str, Prediction]:
    """Systems of the table on the rows of the arrays: same rows, same splits, fair to all."""
    roles, frame = data.roles, _rows_of(data, arrays)
    median = spec.kind == "predictions" and spec.preset == SCORING_RATE
    sure = not data.outcome.guessed_positive
    systems = existing_systems(frame, roles, arrays.classes, sure=sure, median=median)
    if arrays.task == "binary" and known is None:
        refuse_contradicted(
            arrays.y, systems, roles.cuts, arrays.classes, SIDE_REMEDY,
            confidence=spec.confidence, metrics=spec.metrics,
            weight=arrays.weight, cluster=arrays.cluster,
        )  # fmt: skip
    return systems


def _rows_of(data: Dataset, arrays: Arrays) -> pl.DataFrame:
    """The rows of the table that are in the arrays, in their order."""
    rows = pl.DataFrame({data.roles.row_id: arrays.row_id})
    return rows.join(data.frame, on=data.roles.row_id, how="left", maintain_order="left")


def _controls(
    data: Dataset, arrays: Arrays, spec: AuditSpec, cut_by: NDArray[np.bool_]
) -> dict[str, NDArray[np.str_]]:
    """The levels (n,) of the columns within which groups are compared.

    Parameters
    ----------
    cut_by : (n,) the rows whose quartiles numbers are cut at

    Raises
    ------
    SpecError
        When such a column is missing, or the groups or the outcome follow from it.
    """
    check_controls(spec.controls, data.roles, data.frame.columns)
    frame = _rows_of(data, arrays) if spec.controls else data.frame
    return {name: group_labels(frame[name], cut_by) for name in spec.controls}


def _compare(
    data: Dataset, spec: AuditSpec, monitor: Monitor, device: str
) -> tuple[Tables, dict[str, Any]]:
    """Every method on every seed's split; the last seed's tables are kept for a closer look."""
    _require_outcome(data)
    methods, seeds, shared = seed_comparison.contestants(spec.params)
    measured: list[pl.DataFrame] = []
    monitor.start("comparing", seeds)

    def fit(name: str, arrays: Arrays, seed: int) -> Fitted:
        return _fit(name, arrays, shared, spec.confidence, seed, device, monitor)

    order = seed_comparison.seeds_from(spec.seed, seeds)
    for seed in order:
        arrays = data.arrays(spec.split, seed)
        _check_primary(spec, arrays, ())
        controls = _controls(data, arrays, spec, arrays.split == TRAIN)
        answers = {
            name: next(iter(fit(name, arrays, seed).predictions.values())) for name in methods
        }
        answers |= _existing(data, arrays, spec)
        splits = HELD_OUT if seed == order[-1] else HELD_OUT[:1]
        tables = judged(arrays, answers, {}, spec, monitor, controls, splits)
        measured.append(seed_comparison.measurements(tables["errors"], tables["gaps"], seed))
        monitor.step()
    monitor.end()
    tables["predictions"] = predictions_table(arrays, answers)
    tables["people"] = people_table(arrays)
    tables |= weights_table(arrays)
    numbers = pl.concat(measured)
    share = seed_comparison.test_share(arrays)
    tables["measurements"] = numbers
    tables["comparison"] = seed_comparison.comparison_table(numbers, share, spec.confidence)
    tables["paired"] = seed_comparison.paired_table(numbers, methods[0], share, spec.confidence)
    budget = f"{seeds} seeds, one fit per method and seed, the same splits and encoding for all"
    facts = {"methods": methods, "seeds": seeds, "budget": budget, "reference": methods[0]}
    return tables, {**_headline(data, arrays, spec), **facts}


def _fit(
    name: str,
    arrays: Arrays,
    shared: Mapping[str, Any],
    confidence: float,
    seed: int,
    device: str,
    monitor: Monitor,
) -> Fitted:
    """One method with those of the shared parameters that it has."""
    params = seed_comparison.own_parameters(name, shared)
    return adapter(name)(
        arrays, params, confidence=confidence, seed=seed, device=device, monitor=monitor
    )


def judged(
    arrays: Arrays,
    predictions: Mapping[str, Prediction],
    tables: Mapping[str, pl.DataFrame],
    spec: AuditSpec,
    monitor: Monitor,
    controls: Mapping[str, NDArray[np.str_]],
    splits: Sequence[str] = HELD_OUT,
) -> Tables:
    """Audit tables of all models on held-out rows, by declared and detected groups."""
    detected = _found_groups(arrays, tables)
    parts: list[Mapping[str, pl.DataFrame]] = []
    for split in splits:
        rows = arrays.split == SPLITS.index(split)
        if rows.any():
            asked = arrays, predictions, arrays.groups, rows, split, spec
            parts.append(_judge(*asked, controls=controls))
            if detected:
                extra = _judge(arrays, predictions, detected, rows, split, spec, crossings=1)
                kept = {n: t for n, t in extra.items() if n != "multicalibration"}
                parts.append({name: _without_overall(t) for name, t in kept.items()})
        monitor.step()
    return with_looks(stacked(parts), spec.confidence)


def _judge(
    arrays: Arrays,
    predictions: Mapping[str, Prediction],
    groups: Mapping[str, NDArray[np.str_]],
    rows: NDArray[np.bool_],
    split: str,
    spec: AuditSpec,
    crossings: int | None = None,
    known: NDArray[np.bool_] | None = None,
    controls: Mapping[str, NDArray[np.str_]] | None = None,
) -> Mapping[str, pl.DataFrame]:
    return judge(
        arrays.y[rows],
        {name: p.take(rows) for name, p in predictions.items()},
        {name: labels[rows] for name, labels in groups.items()},
        task=arrays.task,
        classes=arrays.classes,
        weight=None if arrays.weight is None else arrays.weight[rows],
        clusters=None if arrays.cluster is None else arrays.cluster[rows],
        split=split,
        metrics=spec.metrics,
        confidence=spec.confidence,
        n_boot=spec.n_boot,
        intersections=spec.intersections if crossings is None else crossings,
        suppress_below=spec.suppress_below,
        seed=spec.seed,
        controls={name: labels[rows] for name, labels in (controls or {}).items()},
        known=None if known is None else known[rows],
        margin=spec.margin,
        primary=spec.primary if split != "validation" and crossings is None else None,
    )


def _check_primary(
    spec: AuditSpec,
    arrays: Arrays,
    systems: Collection[str],
    known: NDArray[np.bool_] | None = None,
) -> None:
    """Refuse a primary question that this audit will not answer, before the work is done."""
    metrics = chosen_metrics(spec.metrics, arrays.task, truth_of(arrays.y, known))
    asked_primary(spec.primary, metrics, arrays.groups, spec.intersections, systems)


def _found_groups(
    arrays: Arrays, tables: Mapping[str, pl.DataFrame]
) -> dict[str, NDArray[np.str_]]:
    """Groups that a method detected, by row: latent groups (by features alone), seen clusters."""
    labels: dict[str, NDArray[np.str_]] = {}
    members = _shown_latent(tables)
    if members is not None:
        latent = _aligned(members.select("row", "group"), arrays)
        labels[LATENT] = np.array([f"group {g + 1}" for g in latent["group"].to_list()])
    if "seen" in tables:
        seen = _aligned(tables["seen"].select("row", "seen"), arrays)["seen"].to_list()
        labels[SEEN] = np.where(seen, "seen", "unseen")
    return labels


def _shown_latent(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame | None:
    """Membership by row: that of the chosen number of groups, if it is more than 1."""
    latent, sweep = tables.get("latent"), tables.get("sweep")
    if latent is None or "n_groups" not in latent.columns:
        return latent
    if sweep is None:
        return None
    chosen = sweep.filter("chosen")["n_groups"].to_list()
    return latent.filter(pl.col("n_groups").is_in(chosen)) if max(chosen, default=1) > 1 else None


def _aligned(table: pl.DataFrame, arrays: Arrays) -> pl.DataFrame:
    rows = pl.DataFrame({"row": arrays.row_id})
    return rows.join(table, on="row", how="left", maintain_order="left")


def _without_overall(table: pl.DataFrame) -> pl.DataFrame:
    return table.filter(pl.col("attribute") != "all") if "attribute" in table.columns else table


def stacked(parts: list[Mapping[str, pl.DataFrame]]) -> Tables:
    """Tables of the same name, one below the other."""
    names = dict.fromkeys(name for part in parts for name in part)
    return {
        name: pl.concat([p[name] for p in parts if name in p], how="diagonal_relaxed")
        for name in names
    }


def _headline(data: Dataset, arrays: Arrays, spec: AuditSpec) -> dict[str, Any]:
    counts = {name: int((arrays.split == i).sum()) for i, name in enumerate(SPLITS)}
    left_out = _left_out(data, spec)
    return {
        "task": arrays.task,
        "kind": spec.kind,
        "method": spec.method,
        "title": spec.title or spec.method,
        "rows": counts,
        "left_out": dict(_by_reason(left_out)),
        "classes": list(arrays.classes),
        "features": list(arrays.feature_names),
        "sensitive": list(arrays.groups),
        "target": data.roles.target,
        "outcome": data.outcome.as_json(),
        "mends": [sentence(mend) for mend in data.roles.mends],
        "confidence": spec.confidence,
        "warnings": [
            *_outcome_warnings(data, spec),
            *matched_labels(data.frame, data.roles, _outcome_labels(data, arrays)),
            *_row_warnings(left_out),
            *_class_warnings(arrays),
        ],
    }


def _outcome_labels(data: Dataset, arrays: Arrays) -> OutcomeLabels:
    sure = not data.outcome.guessed_positive
    return OutcomeLabels(data.roles.target or "", tuple(arrays.classes), sure)


def _left_out(data: Dataset, spec: AuditSpec) -> pl.DataFrame:
    """Rows that were left out of the arrays, each with its reason."""
    if spec.kind != "predictions":
        return data.excluded_rows(spec.split)
    return data.excluded if data.roles.known_for is None else _without_truth(data).excluded


def _outcome_warnings(data: Dataset, spec: AuditSpec) -> list[str]:
    """Warnings about what a user should confirm of the outcome."""
    warnings = []
    if data.outcome.guessed_positive:
        text = unsure_positive(data.outcome, "--positive")
        warnings.append(f"{text[:1].upper()}{text[1:]}.")
    if data.roles.known_for is not None and spec.kind != "predictions":
        warnings.append(
            f"The outcome is known only where '{data.roles.known_for}' says so: models learn from "
            "those rows and are judged on them, and nothing is said of the others."
        )
    return warnings


def _row_warnings(left_out: pl.DataFrame) -> list[str]:
    """Warnings with the number of rows left out for each reason (the table `excluded`)."""
    return [f"{n:,} rows were left out: {reason}." for reason, n in _by_reason(left_out)]


def _by_reason(left_out: pl.DataFrame) -> list[tuple[str, int]]:
    """How many rows were left out for each reason."""
    return list(left_out.group_by("reason", maintain_order=True).len().iter_rows())


def _class_warnings(arrays: Arrays) -> list[str]:
    """Which classes only validation rows have; those rows take no part in fitting."""
    lost = arrays.unlearnable()
    if not lost.any():
        return []
    classes = ", ".join(f"'{arrays.classes[int(code)]}'" for code in np.unique(arrays.y[lost]))
    return [
        f"{int(lost.sum()):,} validation rows are of a class without training rows ({classes}); "
        "they took no part in fitting."
    ]


def provenance(spec: AuditSpec, device: str, seconds: float) -> dict[str, Any]:
    """What is needed to reproduce the numbers."""
    packages = ("numpy", "polars", "scipy", "scikit-learn", "torch")
    return {
        "spec": spec.model_dump(mode="json"),
        "spec_sha256": spec.digest(),
        "device": device,
        "seconds": round(seconds, 3),
        "fairaudit": __version__,
        "python": platform.python_version(),
        "packages": {name: version(name) for name in packages},
    }

"""The sections of a report, in order: a sentence, a chart and the rows behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from fairaudit.audit.result import AuditResult
from fairaudit.inputs.labels import CROSS
from fairaudit.plots import ablation, compare, effects, errors, groups, selection, stress, whatif
from fairaudit.plots.theme import Chart
from fairaudit.report.choices import (
    attributes,
    gap_metrics,
    group_count,
    leading_metrics,
    main_model,
    main_split,
    quality_metrics,
    usual_order,
)
from fairaudit.text import meaning, table_rows
from fairaudit.text.screens import report as wording
from fairaudit.text.sentences.calibration import HOW as CALIBRATION_HOW
from fairaudit.text.sentences.calibration import (
    calibration_sentence,
    groups_tested,
    multicalibration_sentence,
)
from fairaudit.text.sentences.choice_certificates import choice_warnings, worded_certificates
from fairaudit.text.sentences.combination import combination_sentence
from fairaudit.text.sentences.compare import compare_lead, comparison_how
from fairaudit.text.sentences.conditional import HOW as CONDITIONAL_HOW
from fairaudit.text.sentences.conditional import conditional_sentence, readable_conditional
from fairaudit.text.sentences.effects import effects_lead
from fairaudit.text.sentences.equivalence import HOW as EQUIVALENCE_HOW
from fairaudit.text.sentences.equivalence import equivalence_lead, readable_equivalence
from fairaudit.text.sentences.errors import errors_lead, gap_leads, limits
from fairaudit.text.sentences.groups import findings, groups_page_lead, tested_lead
from fairaudit.text.sentences.presets import counted_rows
from fairaudit.text.sentences.primary import HOW as PRIMARY_HOW
from fairaudit.text.sentences.primary import primary_rows, primary_sentence
from fairaudit.text.sentences.selection import hides_groups, selection_how, selection_lead
from fairaudit.text.sentences.stress import how, stress_lead
from fairaudit.text.sentences.whatif import held_lead, preferences, whatif_lead
from fairaudit.text.voice import Voice, no_harm_of, voice_of

MOST_ATTRIBUTES = 12


@dataclass(frozen=True)
class Section:
    """One part of a report; `table` names the CSV with all its rows."""

    title: str
    sentences: tuple[str, ...]
    charts: tuple[Chart, ...] = ()
    rows: pl.DataFrame | None = None
    table: str | None = None
    how: str = ""
    alerts: tuple[str, ...] = ()
    leads: bool = True  # whether its first sentence stands at the head of the report


def sections(result: AuditResult) -> list[Section]:
    """All sections for which this result has content."""
    makers: list[Callable[[AuditResult], Iterator[Section]]] = [
        _primary, _mends, _preset, _selection, _groups, _effects, _sweep, _stress, _compare,
        _errors, _bounds, _gaps, _equivalence, _conditional, _calibration,
    ]  # fmt: skip
    if (
        result.summary.get("kind") == "predictions"
    ):  # what decisions do comes before where they err
        makers.remove(_groups)
        makers.append(_groups)
    return [section for maker in makers for section in maker(result)]


# -- what was declared beforehand ---------------------------------------------------------------


def _primary(result: AuditResult) -> Iterator[Section]:
    """The question that was declared before the results were computed: it leads."""
    rows = primary_rows(result)
    if not rows.is_empty():
        shown = ("model", "attribute", "metric", "group", "reference", "value", "low", "high",
                 "margin", "upper_limit", "status")  # fmt: skip
        yield Section(
            title="The primary question",
            sentences=(primary_sentence(result),),
            rows=rows.select(shown),
            table="primary",
            how=PRIMARY_HOW,
        )


# -- the data ------------------------------------------------------------------------------------


def _mends(result: AuditResult) -> Iterator[Section]:
    """What was changed in the data before the audit, so that a reader can object."""
    if mends := tuple(map(str, result.summary.get("mends") or ())):
        yield Section("Changes to the data before the audit", mends, leads=False)


# -- rules ---------------------------------------------------------------------------------------


def _preset(result: AuditResult) -> Iterator[Section]:
    """The computations that a rule requires; never a conclusion about the law."""
    rule = result.summary.get("preset")
    if not rule:
        return
    yield Section(
        title=str(rule["title"]),
        sentences=tuple(filter(None, (counted_rows(result), *map(str, rule["sentences"])))),
        how=wording.source(rule),
        alerts=tuple(f"What this rule does not set: {line}" for line in rule["not_set"]),
    )
    for name, table in result.tables.items():
        if name.startswith("preset_") and not table.is_empty():
            heading = name.removeprefix("preset_").replace("_", " ")
            yield Section(f"{rule['title']}: {heading}", (), rows=table, table=name)


# -- the decision -------------------------------------------------------------------------------


def _selection(result: AuditResult) -> Iterator[Section]:
    decided = result.selection
    if decided is None or decided.is_empty():
        return
    charts = [selection.decision(decided, voice=voice_of(result)), selection.bounds(decided)]
    if "test" in decided["split"]:
        charts.append(selection.validation_beside_test(decided))
    choices = result.tables.get("alternatives")
    if choices is not None:
        gaps = result.tables.get("selection_gaps")
        metric = str(decided["metric"].item(0))
        charts.append(selection.alternatives(choices, metric, gaps, voice_of(result)))
    hidden = hides_groups(result.tables)
    yield Section(
        title="The no-harm choice",
        sentences=(selection_lead(result.tables, voice_of(result), hidden=hidden),),
        charts=tuple(charts),
        rows=selection.readable(decided),
        table="selection",
        how=selection_how(voice_of(result), no_harm_of(result)),
        alerts=tuple(choice_warnings(result.tables)),
    )
    if choices is not None or result.summary.get("certificates"):
        paragraphs = tuple(str(c["words"]) for c in worded_certificates(result.tables))
        yield Section("Certificate, to be checked by hand", paragraphs, leads=False)


# -- latent groups ------------------------------------------------------------------------------


def _groups(result: AuditResult) -> Iterator[Section]:
    at = group_count(result)

    def table(name: str) -> pl.DataFrame | None:
        latent_groups = result.tables.get(name)
        return (
            None
            if latent_groups is None or latent_groups.is_empty()
            else groups.of_count(latent_groups, at)
        )

    latent_groups = table("groups")
    if latent_groups is None:
        return
    sentences = [groups_page_lead(result, latent_groups), combination_sentence(result)]
    charts, sentences = (
        [groups.sizes(latent_groups)],
        [sentence for sentence in sentences if sentence],
    )
    if (profile := table("group_profile")) is not None:
        charts.append(groups.profile(profile))
    if (latent := table("latent")) is not None:
        charts.append(groups.membership(latent))
    if (projection := table("projection")) is not None:
        charts.append(groups.projection(projection.head(1_000)))
    sentences += findings(result)
    if (tests := table("latent_tests")) is not None:
        sentences.append(tested_lead(result, at))
        charts.append(groups.tests(tests, voice=voice_of(result)))
    yield Section(
        title="Latent groups",
        sentences=tuple(sentences),
        charts=tuple(charts),
        rows=groups.readable(latent_groups),
        table="groups",
        how=wording.LATENT,
    )
    if (overlap := table("overlap")) is not None:
        yield _overlap(overlap)


def _overlap(overlap: pl.DataFrame) -> Section:
    known = overlap["attribute"].unique(maintain_order=True).to_list()
    drawn = tuple(groups.overlap(overlap, attribute=name) for name in known)
    return Section(
        title="Latent groups and declared attributes",
        sentences=tuple(chart.alt for chart in drawn),
        charts=drawn,
        rows=overlap,
        table="overlap",
        leads=False,
    )


# -- clusters, numbers of groups, models --------------------------------------------------------


def _effects(result: AuditResult) -> Iterator[Section]:
    table = result.effects
    if table is None or table.is_empty():
        return
    charts = [effects.caterpillar(table, voice=voice_of(result))]
    if "clusters" in result.tables:
        known = effects.cluster_metrics(result.tables["clusters"])
        drawn = effects.by_cluster(
            result.tables["clusters"], metric=known[0], most=15, voice=voice_of(result)
        )
        charts.append(drawn)
    if "importance" in result.tables:
        charts.append(effects.importance(result.tables["importance"]))
    charts += _path(result)
    charts += [draw(result.tables[name]) for name, draw in
               (("variance", effects.variance), ("search", effects.search))
               if name in result.tables]  # fmt: skip
    yield Section(
        title="What clusters add",
        sentences=(effects_lead(result), *(c.alt for c in charts[1:])),
        charts=tuple(charts),
        rows=table.filter(pl.col("effect") == "intercept"),
        table="effects",
        how=wording.effects(voice_of(result).percent),
    )


def _path(result: AuditResult) -> list[Chart]:
    path = result.tables.get("path")
    if path is None or path.is_empty():
        return []
    good, unfair = effects.path_metrics(path)
    if not good or not unfair:
        return []
    known = path["split"].unique().to_list()
    split = "test" if "test" in known else str(known[0])
    voice = voice_of(result)
    return [effects.path(path, quality=good[0], unfairness=unfair[0], split=split, voice=voice)]


def _sweep(result: AuditResult) -> Iterator[Section]:
    sweep = result.tables.get("sweep")
    if sweep is None or sweep.is_empty():
        return
    metric, counts = whatif.metric_of(result), sweep["n_groups"].to_list()
    count = whatif.preferred(sweep) or int(counts[-1])
    charts, sentences = [whatif.trade_off(sweep, metric, voice=voice_of(result))], []
    if (fixed_groups := result.tables.get("held_groups")) is not None and count > 1:
        charts.append(whatif.held(fixed_groups, metric, at=count, voice=voice_of(result)))
        sentences.append(held_lead(fixed_groups, metric, count, voice_of(result)))
    charts += [whatif.criterion(sweep, n) for n in ("heldout", "bic") if whatif.known(sweep, n)]
    if whatif.known(sweep, "stability"):
        charts.append(whatif.stability(sweep))
    if "lineage" in result.tables:
        charts.append(whatif.lineage(result.tables["lineage"]))
    yield Section(
        title="What if there were more groups",
        sentences=(
            whatif_lead(sweep, metric, count, voice_of(result)),
            preferences(sweep),
            *sentences,
        ),
        charts=tuple(charts),
        rows=sweep,
        table="sweep",
        how=wording.SWEEP,
    )


def _stress(result: AuditResult) -> Iterator[Section]:
    tables = table_rows.stress_tables(result.tables)
    for place, name in enumerate(tables):
        charts = tuple(_stress_charts(name, tables[name], voice_of(result)))
        lead = (stress_lead(result),) if place == 0 else ()
        view = table_rows.VIEWS[name]
        yield Section(
            title=f"Stress test: {view.lower()}",
            sentences=(*lead, *(chart.alt for chart in charts)),
            charts=charts,
            rows=tables[name],
            table=name,
            how=how(view, result).replace("*", "").replace("`", ""),
            leads=place == 0,
        )


def _stress_charts(name: str, table: pl.DataFrame, voice: Voice) -> Iterator[Chart]:
    if name == "stress_shift":
        worst = stress.shifted_groups(table)[0]
        for kind in stress.SHIFTS:
            yield stress.shift(table, group=worst, kind=kind)
    elif name == "stress_groups":
        for kind in stress.WRONG:
            yield stress.wrong_groups(table, kind=kind, voice=voice)
    elif name == "stress_ablation":
        yield ablation.by_loss(table, voice=voice)
    elif name == "stress_objectives":
        split = "test" if "test" in table["split"] else "validation"
        for rule in table_rows.RULES:
            yield ablation.objectives(table, rule=rule, split=split, voice=voice)
    elif name == "flips":
        yield stress.flips(table, measure=table_rows.flip_measures(table)[0], voice=voice)
    else:
        yield ablation.time(table) if name == "stress_time" else stress.probes(table)


def _compare(result: AuditResult) -> Iterator[Section]:
    if len(compare.models_of(result)) < 2:
        return
    qualities = quality_metrics(result)
    if not qualities:
        return
    quality, split = qualities[0], main_split(result)
    values = compare.values(result, metric=quality, split=split)
    voice = voice_of(result)
    charts, sentences = [compare.side_by_side(values, metric=quality, voice=voice)], []
    for attribute in [a for a in attributes(result) if CROSS not in a][:3]:
        gap = next(iter(gap_metrics(result, attribute)), None)
        if gap is not None:
            table = compare.front_table(
                result, quality=quality, gap=gap, attribute=attribute, split=split
            )
            title = f"Gap in {meaning.in_sentence(gap, voice)} by {attribute}"
            charts.append(compare.front(table, quality=quality, gap_title=title, voice=voice))
            sentences.append(
                compare_lead(
                    table,
                    quality=quality,
                    gap_title=gap,
                    voice=voice,
                    attribute=attribute,
                )
            )
    yield Section(
        title="Models side by side",
        sentences=tuple(dict.fromkeys(sentences)),
        charts=tuple(charts),
        rows=values,
        table="comparison" if "comparison" in result.tables else "errors",
        how=comparison_how(result),
    )


# -- errors and gaps ----------------------------------------------------------------------------


def _errors(result: AuditResult) -> Iterator[Section]:
    split, model = main_split(result), main_model(result)
    for attribute in attributes(result)[:MOST_ATTRIBUTES]:
        questions = [{"attribute": attribute, "metric": m, "split": split} for m in
                 leading_metrics(result, 3)]  # fmt: skip
        if questions:
            yield Section(
                title=f"{_subject(result)} by {attribute}",
                sentences=tuple(_error_sentences(result, model, questions)),
                charts=tuple(errors.by_group(result, models=[model], **a) for a in questions),
                rows=error_rows(result, attribute, split),
                table="errors",
                how=wording.rates(voice_of(result).percent),
            )


def _subject(result: AuditResult) -> str:
    """What is compared: errors, or decisions where no outcome is known."""
    return "Errors" if voice_of(result).known else "Decisions"


def _error_sentences(
    result: AuditResult, model: str, views: Sequence[dict[str, str]]
) -> Iterator[str]:
    for one in views:
        yield errors_lead(result, model=model, **one)
        if limit := limits(result, model=model, **one):
            yield limit


def error_rows(result: AuditResult, attribute: str, split: str) -> pl.DataFrame:
    """The readable columns of `errors` for one attribute, the shown metrics first."""
    order = {m: i for i, m in enumerate(usual_order(result))}
    place = pl.col("metric").replace_strict(order, default=len(order), return_dtype=pl.Int64)
    return (
        result.errors.filter((pl.col("attribute") == attribute) & (pl.col("split") == split))
        .sort(place, "metric", "model", "group")
        .select("model", "group", "metric", "n", "value", "low", "high", "status", "method")
    )


def _bounds(result: AuditResult) -> Iterator[Section]:
    """What rates lie between where some outcomes are not known."""
    table = result.tables.get("bounds")
    if table is None or table.is_empty():
        return
    rows = table.filter((pl.col("split") == main_split(result)) & pl.col("lower").is_not_null())
    yield Section(
        title="Bounds where the outcome is not known",
        sentences=(wording.UNKNOWN_OUTCOMES,),
        rows=table_rows.readable_bounds(rows),
        table="bounds",
        how=wording.bounds(voice_of(result).percent),
        leads=False,
    )


def _leading_gaps(result: AuditResult, rows: pl.DataFrame) -> pl.DataFrame:
    """The reported gaps: the leading metric's first, between groups with enough rows.

    In each metric the attributes are in the order in which they were chosen.
    """
    order = {m: i for i, m in enumerate(leading_metrics(result, 4))}
    place = {a: i for i, a in enumerate(attributes(result))}
    kinds = ["difference", "difference_stable"]
    return (
        rows.filter(pl.col("kind").is_in(kinds) & pl.col("value").is_not_null())
        .filter(pl.col("metric").is_in(list(order)) & (pl.col("model") == main_model(result)))
        .sort("kind", descending=True)  # between groups with enough rows where there are any
        .unique(["attribute", "metric"], keep="first", maintain_order=True)
        .with_columns(pl.col("metric").replace_strict(order, return_dtype=pl.Int64).alias("_at"))
        .with_columns(
            pl.col("attribute")
            .replace_strict(place, default=len(place), return_dtype=pl.Int64)
            .alias("_place")
        )
        .sort("_at", "_place")
        .drop("_at", "_place")
        .head(5)
    )


def _gaps(result: AuditResult) -> Iterator[Section]:
    rows = result.gaps.filter(pl.col("split") == main_split(result))
    if rows.is_empty():
        return
    worst = _leading_gaps(result, rows)
    columns = ("model", "attribute", "metric", "kind", "value", "low", "high", "corrected")
    yield Section(
        title="Gaps between groups",
        sentences=tuple(gap_leads(result, worst)),
        rows=rows.filter(pl.col("kind").is_in(["difference", "ratio"])).select(*columns, "status"),
        table="gaps",
        how=wording.GAPS,
    )


def _equivalence(result: AuditResult) -> Iterator[Section]:
    """Which gaps are shown to be below the margin that was chosen in advance."""
    rows = readable_equivalence(result, main_split(result))
    if not rows.is_empty():
        yield Section(
            title="Gaps held against the margin",
            sentences=(equivalence_lead(rows),),
            rows=rows,
            table="equivalence",
            how=EQUIVALENCE_HOW,
            leads=False,
        )


def _conditional(result: AuditResult) -> Iterator[Section]:
    """Groups compared within levels of other columns."""
    where = {"model": main_model(result), "split": main_split(result)}
    rows = readable_conditional(result, where["split"])
    if rows.is_empty():
        return
    sentences = [
        conditional_sentence(result, attribute=a, metric=m, **where)
        for a in attributes(result)[:MOST_ATTRIBUTES]
        for m in leading_metrics(result)
    ]
    yield Section(
        title="Groups within the same levels",
        sentences=tuple(s for s in sentences if s),
        rows=rows,
        table="conditional",
        how=CONDITIONAL_HOW,
        leads=False,
    )


def _calibration(result: AuditResult) -> Iterator[Section]:
    """Within which groups the score is shown not to be calibrated."""
    where = {"model": main_model(result), "split": main_split(result)}
    rows = groups_tested(result, **where)
    if rows.is_empty():
        return
    sentences = [
        calibration_sentence(result, attribute=a, **where)
        for a in attributes(result)[:MOST_ATTRIBUTES]
    ]
    yield Section(
        title="Calibration within groups",
        sentences=tuple(s for s in (multicalibration_sentence(result, **where), *sentences) if s),
        rows=rows,
        table="calibration_tests",
        how=CALIBRATION_HOW,
        leads=False,
    )

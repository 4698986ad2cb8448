"""New York City Local Law 144: rates and impact ratios of sex, race/ethnicity and both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from fairaudit.audit.presets.decisions import Decisions
from fairaudit.audit.presets.preset_inputs import PresetOptions
from fairaudit.audit.presets.rules import Applied, Preset
from fairaudit.audit.presets.sex_and_race import sex_and_race
from fairaudit.audit.presets.tallies import (
    Tally,
    silent_sentence,
    silent_table,
    tallies,
    unknown_sentence,
)
from fairaudit.stats import intervals, metric_definitions


def nyc_ll144(
    preset: Preset, decided: Decisions, confidence: float, options: PresetOptions
) -> Applied:
    """Three tables of rates and impact ratios; no line is drawn anywhere."""
    attributes = sex_and_race(decided.groups, options)
    reason = options.leave_out_reason
    floor = float(preset.parameters["leave_out_below"]) if reason else 0.0
    counted = tallies(decided, attributes, options.non_answers, crossed=True)
    total, rate = decided.people.sum(), pl.lit(decided.rate)
    tables = {
        name: _ll144_table(tally, floor, total, confidence).with_columns(rate_of=rate)
        for name, tally in zip(("sex", "race", "sex_by_race"), counted, strict=True)
    }
    words = _ll144_words(preset, counted, tables, decided, reason)
    return Applied(preset, tables | silent_table(counted[:2]), words)


def _ll144_table(tally: Tally, floor: float, total: float, confidence: float) -> pl.DataFrame:
    left_out = tally.n < floor * total
    used = tally.rate[~left_out]
    top = np.full(len(left_out), used.max() if used.size else np.nan)
    ratio = np.where(left_out, np.nan, metric_definitions.ratio(tally.rate, top))
    low, high = intervals.wilson(tally.rate, tally.n, confidence)
    return pl.DataFrame(
        {
            "category": list(tally.names),
            "applicants": tally.n.astype(np.int64),
            "selected": tally.selected.astype(np.int64),
            "rate": tally.rate,
            "impact_ratio": ratio,
            "left_out": left_out,
            "rate_low": low,
            "rate_high": high,
        }
    ).with_columns(pl.col("impact_ratio").fill_nan(None))


def _ll144_words(
    preset: Preset,
    counted: Sequence[Tally],
    tables: Mapping[str, pl.DataFrame],
    decided: Decisions,
    reason: str,
) -> tuple[str, ...]:
    words = []
    for tally, table in zip(counted, tables.values(), strict=True):
        kept = table.drop_nulls("impact_ratio")
        if kept.is_empty():
            words += [f"{tally.attribute}: no impact ratio exists.", unknown_sentence(tally)]
            continue
        least = kept.sort("impact_ratio").row(0, named=True)
        words.append(
            f"{tally.attribute}: the lowest impact ratio is {least['impact_ratio']:.3f} "
            f"({least['category']}, {decided.rate} {100 * least['rate']:.1f}%)."
        )
        words.append(unknown_sentence(tally))
        gone = table.filter(pl.col("left_out"))["category"].to_list()
        if gone:
            words.append(f"Left out of the ratios, under 2%: {', '.join(gone)}. Reason: {reason}")
    silent = [line for tally in counted[:2] for line in silent_sentence(tally)]
    return (*decided.notes, *words, *silent, *preset.not_set)

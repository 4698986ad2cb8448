"""Groups among those chosen against their share of all people: disparities and risk ratios."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl

from fairaudit.audit.presets.decisions import Decisions, Float
from fairaudit.audit.presets.rules import Applied, Preset
from fairaudit.audit.presets.tallies import (
    Tally,
    silent_sentence,
    silent_table,
    tallies,
    unknown_sentence,
)
from fairaudit.data.non_answers import NonAnswers
from fairaudit.stats import intervals, two_rates


def standard_deviations(selected: Float, n: Float) -> tuple[Float, Float, Float]:
    """Expected selections, their binomial standard deviation, and how many of them lie between.

    Castaneda v. Partida, note 17. NaN where nothing was selected or there is one group only.

    Parameters
    ----------
    selected, n : (G,) selections and people of each group
    """
    share, chosen = n / n.sum(), selected.sum()
    expected = chosen * share
    sd = np.sqrt(chosen * share * (1 - share))
    apart = np.divide(selected - expected, sd, out=np.full(len(n), np.nan), where=sd > 0)
    return expected, sd, apart


def risk_ratios(cases: Float, n: Float, confidence: float) -> tuple[Float, Float, Float]:
    """Risk of each group over that of all other groups together, and its interval.

    34 CFR 300.647 (a)(5), (6). NaN without a comparison group, or where its risk is 0.
    """
    others, rest = n.sum() - n, cases.sum() - cases
    risk = cases / n
    there = np.divide(rest, others, out=np.full(len(n), np.nan), where=others > 0)
    ratio = np.divide(risk, there, out=np.full(len(n), np.nan), where=there > 0)
    low, high = intervals.ratio_of_rates(risk, n, there, np.maximum(others, 1), confidence)
    exists = np.isfinite(ratio)
    return ratio, np.where(exists, low, np.nan), np.where(exists, high, np.nan)


def two_standard_deviations(preset: Preset, decided: Decisions, unknown: NonAnswers) -> Applied:
    """Actual against expected selections of each group."""
    fewer, more = float(preset.parameters["fewer"]), float(preset.parameters["more"])

    def table(t: Tally) -> pl.DataFrame:
        expected, sd, apart = standard_deviations(t.selected, t.n)
        rest = t.n.sum() - t.n
        exists = np.isfinite(apart)
        p = two_rates.fisher(t.selected, t.n, t.selected.sum() - t.selected, np.maximum(rest, 1))
        return _people(t).with_columns(
            expected=expected,
            standard_deviation=sd,
            standard_deviations=apart,
            exceeds_two=pl.Series(np.abs(apart) > fewer),
            exceeds_three=pl.Series(np.abs(apart) > more),
            p=np.where(exists, p, np.nan),
            rate_of=pl.lit(decided.rate),
        )

    def words(row: dict[str, Any]) -> str:
        side = "fewer" if row["standard_deviations"] < 0 else "more"
        return (
            f"{row['selected']:,} of {row['group']} against {row['expected']:.1f} expected, "
            f"{abs(row['standard_deviations']):.2f} standard deviations {side} "
            f"({decided.rate}; Fisher p = {row['p']:.3f})."
        )

    return _applied(preset, decided, unknown, table, words, "standard_deviations")


def fair_cross_section(preset: Preset, decided: Decisions, unknown: NonAnswers) -> Applied:
    """Absolute and comparative disparity of each group."""

    def table(t: Tally) -> pl.DataFrame:
        share = t.n / t.n.sum()
        chosen = t.selected.sum()
        pool = t.selected / chosen if chosen > 0 else np.full(len(share), np.nan)
        return _people(t).with_columns(
            share_of_people=share,
            share_of_selected=pool,
            absolute_disparity=share - pool,
            comparative_disparity=(share - pool) / share,
            standard_deviations=standard_deviations(t.selected, t.n)[2],
        )

    def words(row: dict[str, Any]) -> str:
        return (
            f"{row['group']} are {100 * row['share_of_people']:.2f}% of the people and "
            f"{100 * row['share_of_selected']:.2f}% of those chosen: absolute disparity "
            f"{100 * row['absolute_disparity']:.2f} points, comparative disparity "
            f"{100 * row['comparative_disparity']:.1f}%."
        )

    return _applied(preset, decided, unknown, table, words, "absolute_disparity")


def idea_risk_ratio(
    preset: Preset, decided: Decisions, confidence: float, unknown: NonAnswers
) -> Applied:
    """Risk and risk ratio of each group."""
    cell, size = float(preset.parameters["cell_size"]), float(preset.parameters["n_size"])

    def table(t: Tally) -> pl.DataFrame:
        ratio, low, high = risk_ratios(t.selected, t.n, confidence)
        enough = (t.selected >= cell) & (t.n >= size)
        rest = (t.selected.sum() - t.selected >= cell) & (t.n.sum() - t.n >= size)
        return _people(t).with_columns(
            risk=t.rate,
            risk_ratio=ratio,
            risk_ratio_low=low,
            risk_ratio_high=high,
            large_enough=pl.Series(enough),
            comparison_large_enough=pl.Series(rest),
        )

    def words(row: dict[str, Any]) -> str:
        small = "" if row["large_enough"] and row["comparison_large_enough"] else " (few children)"
        return (
            f"risk {100 * row['risk']:.1f}% of {row['group']}, "
            f"{row['risk_ratio']:.2f} times that of all others (interval "
            f"{row['risk_ratio_low']:.2f} to {row['risk_ratio_high']:.2f}){small}."
        )

    return _applied(preset, decided, unknown, table, words, "risk_ratio")


def _people(t: Tally) -> pl.DataFrame:
    counts = {"applicants": t.n.astype(np.int64), "selected": t.selected.astype(np.int64)}
    return pl.DataFrame({"group": list(t.names), **counts})


def _applied(
    preset: Preset,
    decided: Decisions,
    unknown: NonAnswers,
    table: Callable[[Tally], pl.DataFrame],
    words: Callable[[dict[str, Any]], str],
    needed: str,
) -> Applied:
    """A table for each attribute, and a sentence for each row whose `needed` value exists."""
    counted = tallies(decided, list(decided.groups), unknown)
    tables = {
        t.attribute: table(t).with_columns(pl.selectors.float().fill_nan(None))
        for t in counted
        if t.names
    }
    lines = list(decided.notes)
    for name, rows in tables.items():
        exist = rows.drop_nulls(needed).iter_rows(named=True)
        lines += [f"{name}: {words(row)}" for row in exist]
    for t in counted:
        lines += [] if t.names else [f"{t.attribute}: no row has a known group."]
        lines += [unknown_sentence(t), *silent_sentence(t)] if t.silent else []
    return Applied(preset, tables | silent_table(counted), (*lines, *preset.not_set))

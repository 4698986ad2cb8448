"""Problems of sensitive attributes: none, small groups, missing values, proxies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl

from fairaudit.data.doctor.problem import FEW_ROWS, ExaminedTable, Problem
from fairaudit.data.doctor.proxies import STRONG
from fairaudit.data.doctor.sensitive_guesses import is_identity_share
from fairaudit.data.grouping import group_labels
from fairaudit.data.mends import JoinLabels, LeaveOut, Mend, YesFrom
from fairaudit.data.small_groups import OTHER_WORDS
from fairaudit.inputs.labels import MISSING

_OTHER_NAME = "other"


def unsuitable_groups(evidence: ExaminedTable) -> Iterator[Problem]:
    all_rows = np.ones(evidence.frame.height, dtype=bool)
    for name in evidence.roles.sensitive:
        c = evidence.columns.get(name)
        if c is None or c.distinct == 0:
            continue
        labels, counts = np.unique(
            group_labels(evidence.frame[name], all_rows), return_counts=True
        )
        small = [(str(g), int(k)) for g, k in zip(labels, counts, strict=True) if k < FEW_ROWS]
        if len(labels) > 50:
            yield Problem(
                "many_groups", "warning", name,
                f"sensitive column '{name}' has {len(labels):,} groups",
                "combine its values into a few recognisable groups",
            )  # fmt: skip
        elif small:
            listed = ", ".join(f"{g} ({k})" for g, k in small[:5])
            yield Problem(
                "small_group", "warning", name,
                f"groups of '{name}' with fewer than {FEW_ROWS} rows: {listed}",
                "combine them or collect more rows; otherwise some results cannot be judged",
                _pooled(name, [g for g, _ in small], list(labels)),
            )  # fmt: skip


def _pooled(column: str, small: Sequence[str], groups: Sequence[str]) -> tuple[Mend, ...]:
    """Small groups become one; a single one joins a group that is called other, if any."""
    small = [g for g in small if g != MISSING]
    other = next((g for g in groups if g.strip().lower() in OTHER_WORDS), None)
    into = other or _OTHER_NAME
    joined = {g: into for g in small if g != into}
    if not joined or (len(joined) < 2 and other is None):
        return ()
    return (JoinLabels(column=column, into=joined),)


def identity_shares(evidence: ExaminedTable) -> Iterator[Problem]:
    """Identities as the share of people who see them; groups need a yes or a no."""
    for name in evidence.roles.sensitive:
        c = evidence.columns.get(name)
        if c is not None and is_identity_share(c) and c.distinct > 2:
            yield Problem(
                "identity_share", "warning", name,
                f"column '{name}' gives an identity as a share from 0 to 1",
                "read it as yes from 0.5 up and no below; as it stands, its groups are ranges of "
                "the share",
                (YesFrom(column=name),), True,
            )  # fmt: skip


def proxies(evidence: ExaminedTable) -> Iterator[Problem]:
    """One problem per sensitive attribute, with its strongest proxies."""
    used = [*evidence.roles.features, evidence.roles.cluster]
    strong = evidence.proxies.filter(pl.col("auroc") >= STRONG, pl.col("feature").is_in(used))
    offered = set(evidence.roles.features)
    for attribute in evidence.roles.sensitive:
        proxies = strong.filter(pl.col("sensitive") == attribute).select("feature", "auroc").rows()
        if not proxies:
            continue
        listed = ", ".join(f"'{feature}' ({auroc:.2f})" for feature, auroc in proxies[:4])
        more = f" and {len(proxies) - 4} more" if len(proxies) > 4 else ""
        yield Problem(
            "proxy", "note", proxies[0][0],
            f"'{attribute}' can be predicted from {listed}{more} (AUROC)",
            f"a model without '{attribute}' can still infer it from these columns; consider "
            "whether they are needed",
            tuple(LeaveOut(column=f) for f in (proxies[0][0],) if f in offered),
        )  # fmt: skip
        offered.discard(proxies[0][0])  # one button for each column


def sensitive_problems(evidence: ExaminedTable) -> Iterator[Problem]:
    if not evidence.roles.sensitive:
        yield Problem(
            "no_sensitive", "warning", None, "no column looks like a sensitive attribute",
            "choose at least one; latent groups cannot be found without one",
        )  # fmt: skip
    for name in evidence.roles.sensitive:
        c = evidence.columns.get(name)
        if c is not None and c.missing:
            yield Problem(
                "sensitive_missing", "note", name,
                f"'{name}' is missing in {c.missing:,} rows",
                f"these rows form a separate group, {MISSING}",
            )  # fmt: skip

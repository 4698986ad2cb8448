"""Required disclosures: the data profile of the AI Act and the model card."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from fairaudit.audit.presets.rules import Applied, Preset
from fairaudit.audit.result import AuditResult
from fairaudit.data.labels import label_text
from fairaudit.data.roles import ColumnRoles, resolved_positive, target_levels
from fairaudit.inputs.group_codes import OVERALL
from fairaudit.inputs.labels import CROSS, MISSING

BLANKS = (
    "Model details",
    "Intended use",
    "Out-of-scope uses",
    "Ethical considerations",
    "Caveats and recommendations",
)
_SHOWN = ("model", "attribute", "group", "metric", "n", "value", "low", "high", "status")


def _judged(result: AuditResult) -> pl.DataFrame:
    """Errors on rows no model was trained on: the test split where there is one."""
    errors = result.errors
    test = errors.filter(pl.col("split") == "test")
    return test if not test.is_empty() else errors.filter(pl.col("split") != "train")


def model_card(preset: Preset, result: AuditResult) -> Applied:
    """Unitary and intersectional results with their intervals; blanks stay blanks."""
    errors = _judged(result).filter(pl.col("attribute") != OVERALL).select(_SHOWN)
    crossed = pl.col("attribute").str.contains(CROSS, literal=True)
    blanks = pl.DataFrame({"section": list(BLANKS), "text": [""] * len(BLANKS)})
    tables = {
        "overall": _judged(result).filter(pl.col("attribute") == OVERALL).select(_SHOWN),
        "unitary": errors.filter(~crossed),
        "intersectional": errors.filter(crossed),
        "blanks": blanks,
    }
    words = [f"{len(BLANKS)} sections are left blank for people to write: {', '.join(BLANKS)}."]
    if tables["intersectional"].is_empty():
        words.append("No intersection was evaluated; set the intersection depth to 2.")
    return Applied(preset, tables, (*words, *preset.not_set))


def eu_ai_act(
    preset: Preset,
    result: AuditResult,
    frame: pl.DataFrame | None,
    roles: ColumnRoles | None,
    rationale: str,
) -> Applied:
    """Data profile, performance by group and before/after mitigation."""
    tables: dict[str, pl.DataFrame] = {"performance": _judged(result).select(_SHOWN)}
    changed = before_after(result)
    if changed is not None:
        tables["before_after"] = changed
    words = []
    if frame is not None and roles is not None:
        tables |= data_profile(frame, roles)
        words += _profile_words(tables)
    else:
        words.append("The data profile needs the audited table; it was not given.")
    tables["rationale"] = pl.DataFrame({"text": [rationale]})
    if not rationale:
        words.append("The rationale is blank; it must be written by people.")
    return Applied(preset, tables, (*words, *preset.not_set))


def before_after(result: AuditResult) -> pl.DataFrame | None:
    """Each metric by group, baseline beside the audited model; None without a baseline."""
    errors = _judged(result)
    models = errors["model"].unique(maintain_order=True).to_list()
    if "baseline" not in models or len(models) < 2:
        return None
    after = next(m for m in models if m != "baseline")
    keys = ["attribute", "group", "metric"]
    sides = [
        errors.filter(pl.col("model") == model).select(
            *keys,
            pl.col("value").alias(name),
            pl.col("low").alias(f"{name}_low"),
            pl.col("high").alias(f"{name}_high"),
        )
        for model, name in (("baseline", "before"), (after, "after"))
    ]
    joined = sides[0].join(sides[1], on=keys, how="inner", maintain_order="left")
    return joined.with_columns(change=pl.col("after") - pl.col("before"))


def data_profile(frame: pl.DataFrame, roles: ColumnRoles) -> Mapping[str, pl.DataFrame]:
    """Rows, share, base rate and missing values by group, and proxies of each attribute."""
    from fairaudit.data.doctor.proxies import find_proxies

    features = [c for c in roles.features if c in frame.columns]
    parts = [_profile_of(frame, roles, c, features) for c in roles.sensitive]
    out = {"data_profile": pl.concat(parts)} if parts else {}
    return {**out, "proxies": find_proxies(frame, features, roles.sensitive)}


def _profile_of(
    frame: pl.DataFrame, roles: ColumnRoles, attribute: str, features: list[str]
) -> pl.DataFrame:
    missing = pl.mean_horizontal([pl.col(c).is_null() for c in features] or [pl.lit(0.0)])
    rows = frame.select(
        label_text(frame[attribute]).fill_null(MISSING).alias("group"),
        _positive(frame, roles).alias("positive"),
        missing.alias("missing"),
    )
    table = rows.group_by("group").agg(
        n=pl.len(), base_rate=pl.col("positive").mean(), missing=pl.col("missing").mean()
    )
    return table.select(
        pl.lit(attribute).alias("attribute"),
        "group",
        pl.col("n").cast(pl.Int64),
        (pl.col("n") / frame.height).alias("share"),
        pl.col("base_rate").cast(pl.Float64),
        pl.col("missing").cast(pl.Float64),
    ).sort("group")


def _positive(frame: pl.DataFrame, roles: ColumnRoles) -> pl.Series:
    """1 for a positive outcome, or the outcome itself; null without a target."""
    nothing = pl.Series([None] * frame.height, dtype=pl.Float64)
    if roles.target is None or roles.task == "multiclass":
        return nothing
    values = frame[roles.target]
    if roles.task == "regression":
        return values.cast(pl.Float64, strict=False)
    positive = resolved_positive(roles.target, target_levels(values), roles.positive)
    return (label_text(values) == positive).cast(pl.Float64)


def _profile_words(tables: Mapping[str, pl.DataFrame]) -> list[str]:
    words = []
    profile = tables.get("data_profile")
    if profile is not None and not profile.is_empty():
        least = profile.sort("n").row(0, named=True)
        words.append(
            f"The smallest group is {least['group']} ({least['attribute']}) "
            f"with {least['n']} rows."
        )
    proxies = tables["proxies"]
    if not proxies.is_empty():
        top = proxies.row(0, named=True)
        words.append(
            f"The strongest proxy is '{top['feature']}' for '{top['sensitive']}' "
            f"(AUROC {top['auroc']:.2f})."
        )
    return words

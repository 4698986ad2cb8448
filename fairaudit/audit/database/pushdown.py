"""Audits where the data lie: one GROUP BY in polars or a database, only counts come back.

A row of what comes back stands for `times` equal rows, so the same engine judges it and gives the
same numbers as on the rows themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.audit.chosen_metrics import chosen_metrics
from fairaudit.audit.fitted import Prediction
from fairaudit.audit.inputs.classes import UNNAMED
from fairaudit.audit.judge import judge, truth_of
from fairaudit.audit.notices import Notice, notice
from fairaudit.audit.presets import UNDECIDED, PresetOptions, apply_to_counts
from fairaudit.audit.presets.decisions import scores_alone
from fairaudit.audit.questions import PrimaryQuestion, check_controls, checked_primary
from fairaudit.audit.result import AuditResult
from fairaudit.audit.score_direction import refuse_contradicted
from fairaudit.audit.score_scale import cut_for, score_facts, score_warnings, selected
from fairaudit.audit.table_systems import REMEDY, SIDE_REMEDY, matched_labels
from fairaudit.audit.tables.looks import looks
from fairaudit.audit.tables.primary import primary_facts
from fairaudit.data.decision_labels import OutcomeLabels, read_decision, unreadable
from fairaudit.data.doctor.score_decisions import System
from fairaudit.data.doctor.table_scores import systems_of
from fairaudit.data.grouping import BINS, MOST_VALUES, bin_names
from fairaudit.data.known_outcome import says_yes
from fairaudit.data.labels import label_text
from fairaudit.data.mends import JoinLabels, sentence
from fairaudit.data.outcome import Meaning, OutcomeFacts, describe
from fairaudit.data.roles import ColumnRoles, check_attribute, resolved_positive, target_levels
from fairaudit.data.small_groups import merged_labels
from fairaudit.exceptions import InputError, SpecError
from fairaudit.inputs.group_codes import cluster_codes
from fairaudit.inputs.labels import MISSING
from fairaudit.stats.estimates import REPLICATES

TIMES = "times"
MAX_COUNTED = 2_000_000  # more distinct combinations than this are no counts any more
MAX_SCORES = 2_000  # distinct scores kept exact; beyond, scores are rounded in the source
ROUNDED = 3  # digits


class Source(Protocol):
    """A table somewhere, able to count."""

    @property
    def name(self) -> str:
        """What messages call it."""
        ...

    def columns(self) -> list[str]:
        """Names of the columns."""
        ...

    def count(
        self, keys: Sequence[str], rounded: Sequence[str], digits: int, most: int
    ) -> pl.DataFrame:
        """One row per combination of the keys, at most `most`, with its number of rows.

        The columns are "0", "1", … for the keys and `TIMES`, so that no name in a table can be
        taken for another; some keys are rounded first.
        """
        ...

    def distinct(self, column: str) -> int:
        """Number of distinct values in a column."""
        ...


@dataclass(frozen=True)
class LazySource:
    """A polars lazy frame: CSV or Parquet of any size, streamed."""

    frame: pl.LazyFrame
    name: str

    def columns(self) -> list[str]:
        """Names from the schema."""
        return self.frame.collect_schema().names()

    def count(
        self, keys: Sequence[str], rounded: Sequence[str], digits: int, most: int
    ) -> pl.DataFrame:
        """Streamed group-by."""
        few = self.frame.select(
            (pl.col(k).round(digits) if k in rounded else pl.col(k)).alias(str(i))
            for i, k in enumerate(keys)
        )
        counted = few.group_by(pl.all()).agg(pl.len().alias(TIMES)).head(most)
        return self._collected(counted)

    def distinct(self, column: str) -> int:
        """Exact number, streamed."""
        return int(self._collected(self.frame.select(pl.col(column).n_unique())).item())

    def _collected(self, wanted: pl.LazyFrame) -> pl.DataFrame:
        try:
            return wanted.collect(engine="streaming")
        except (pl.exceptions.PolarsError, OSError) as error:
            raise InputError(
                f"'{self.name}' cannot be read ({str(error).splitlines()[0]}); check the file"
            ) from error


def open_lazy(path: str | Path) -> LazySource:
    """A CSV or Parquet file without reading it.

    Raises
    ------
    InputError
        When the file is missing or of another kind.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"'{path}' does not exist; check the path")
    if path.suffix.lower() in (".parquet", ".pq"):
        return LazySource(pl.scan_parquet(path), path.name)
    if path.suffix.lower() in (".csv", ".tsv", ".txt"):
        separator = "\t" if path.suffix.lower() == ".tsv" else ","
        return LazySource(pl.scan_csv(path, separator=separator), path.name)
    raise InputError(
        f"'{path.name}' cannot be streamed; use Parquet, CSV or TSV, or duckdb:///file::table"
    )


def audit_table(
    source: str | Path | pl.LazyFrame, roles: ColumnRoles, **options: Any
) -> AuditResult:
    """Audit the systems of a table of any size without loading it.

    Parameters
    ----------
    source : path of a Parquet, CSV or TSV file, a polars lazy frame, or an address
        "duckdb:///file.db::table", "postgresql://user@host/database::table" (or another back end
        of Ibis; needs the extra `sql`)
    roles : ColumnRoles
        target (None: no outcome known), sensitive, predictions or scores, cuts and known_for are
        used, weight and cluster if named.
    **options : see `audit_source`

    Raises
    ------
    InputError
        When the table cannot be opened, or values are missing where they must not be.
    SpecError
        When a column is missing or the task cannot be counted.
    """
    if isinstance(source, pl.LazyFrame):
        return audit_source(LazySource(source, "frame"), roles, **options)
    if "::" in str(source) or "://" in str(source):
        from fairaudit.audit.database.sql import open_table

        with open_table(str(source)) as table:
            return audit_source(table, roles, **options)
    return audit_source(open_lazy(source), roles, **options)


def audit_source(
    source: Source,
    roles: ColumnRoles,
    *,
    metrics: Sequence[str] | None = None,
    confidence: float,
    n_boot: int = REPLICATES,
    intersections: int = 1,
    suppress_below: int = 0,
    merge_below: int = 0,
    split: str = "all",
    seed: int = 0,
    preset: str | None = None,
    preset_options: PresetOptions = UNDECIDED,
    margin: float | None = None,
    primary: PrimaryQuestion | None = None,
    controls: Sequence[str] = (),
) -> AuditResult:
    """Count in the source, judge here.

    Parameters
    ----------
    merge_below : groups of each attribute with fewer rows are one group, as in `merged_labels`
    controls : columns within whose levels groups are compared as well
    preset, preset_options : a rule to compute from the first system's counts; see `presets.apply`
    split : the name of these rows; nothing is trained on others, so they are all rows
    all other parameters : as in `audit_predictions`; scores without decisions are cut at
        `roles.cuts`

    Raises
    ------
    SpecError
        When a column is missing, there is nothing to audit, or the outcome is numeric.
    InputError
        When labels or scores are missing in some rows, or a score needs a cut.
    """
    _check(source, roles, controls)
    for name in roles.sensitive:
        check_attribute(name)
    counted, rounded = _counted(source, roles, controls)
    decided = counted.named(*roles.predictions, *roles.scores)
    systems = systems_of(roles, decided, counted.times)
    known = _known(counted, roles)
    classes = _classes(counted, roles, systems, known)
    outcome = _outcome(roles, classes)
    times = counted.times
    labels = OutcomeLabels(roles.target or "", classes, not outcome.guessed_positive)
    predictions = _predictions(counted, systems, labels, roles)
    truth = None if roles.target is None else _truth(counted[roles.target], classes, known)
    weight = None if roles.weight is None else counted[roles.weight].to_numpy()
    clusters = _clusters(counted, roles)
    if truth is not None and known is None and roles.task == "binary":
        refuse_contradicted(truth, predictions, roles.cuts, classes, SIDE_REMEDY, metrics=metrics,
            confidence=confidence, weight=weight, cluster=clusters, times=times)  # fmt: skip
    groups, merged = _merged({c: counted[c] for c in roles.sensitive}, times, merge_below)
    wanted = chosen_metrics(metrics, roles.task, truth_of(truth, known))
    checked_primary(primary, wanted, groups, intersections, predictions)
    tables = judge(truth, predictions, groups, task=roles.task, classes=classes, weight=weight,
        clusters=clusters, split=split, metrics=metrics, confidence=confidence, n_boot=n_boot,
        intersections=intersections, suppress_below=suppress_below, seed=seed, times=times,
        known=known, margin=margin, primary=primary,
        controls={c: _groups(counted[c], times) for c in controls},
    )  # fmt: skip
    matched = matched_labels(decided, roles, labels)
    result = AuditResult(tables, {
        "outcome": outcome.as_json(), "classes": list(classes), "combinations": len(counted),
        "source": source.name, "confidence": confidence, "mends": merged,
        **_facts(roles, predictions, times, tables, rounded, matched, outcome.meaning),
    })  # fmt: skip
    if preset is None:
        return result
    name, system = next(iter(predictions.items()))
    return apply_to_counts(preset, result, system, score_alone=scores_alone(roles, name),
        groups=groups, weight=weight, times=times, confidence=confidence, options=preset_options,
    )  # fmt: skip


def _merged(
    columns: Mapping[str, pl.Series], times: NDArray[np.float64], below: int
) -> tuple[dict[str, pl.Series], list[str]]:
    """Group labels of each attribute, small groups merged, and what was merged in words."""
    labels = {name: _groups(values, times) for name, values in columns.items()}
    words = []
    for name, values in columns.items() if below else ():
        if _is_measured(values):
            continue
        rows = pl.DataFrame({"label": labels[name], "rows": times}).filter(
            pl.col("label") != MISSING
        )
        total = rows.group_by("label").agg(pl.col("rows").sum())
        if into := merged_labels(dict(total.iter_rows()), below):
            labels[name] = labels[name].replace(into)
            words.append(sentence(JoinLabels(column=name, into=into)))
    return labels, words


def _facts(
    roles: ColumnRoles,
    predictions: Mapping[str, Prediction],
    times: NDArray[np.float64],
    tables: Mapping[str, pl.DataFrame],
    rounded: Sequence[str],
    matched: Sequence[Notice],
    meaning: Meaning,
) -> dict[str, Any]:
    """Entries of the summary about the systems and their scores."""
    scores = score_facts(predictions, roles.task, times)
    doubts = score_warnings(scores, tables.get("errors"), meaning)
    rounding = [notice("scores_rounded", score=c, digits=ROUNDED) for c in rounded]
    return {
        "task": roles.task,
        "target": roles.target,
        "scores": scores,
        "systems": list(predictions),
        "n": int(times.sum()),
        "looks": looks(tables),
        "primary": primary_facts(tables),
        "warnings": [*matched, *rounding, *doubts],
    }


# -- what to count ------------------------------------------------------------------------------


def _check(source: Source, roles: ColumnRoles, controls: Sequence[str]) -> None:
    if roles.task == "regression":
        raise SpecError(
            "numeric outcomes cannot be counted; load the table (Parquet or CSV) "
            "and audit it whole"
        )
    if roles.mends:
        raise SpecError(
            f"roles.mends: '{source.name}' is counted where it lies and as it is, so it cannot be "
            f"read differently ({sentence(roles.mends[0]).rstrip('.')}); mend the table, or "
            "load it (Parquet or CSV) and audit it whole"
        )
    if not roles.predictions and not roles.scores:
        raise SpecError("no prediction or score column is named, so there is nothing to audit")
    known = source.columns()
    check_controls(controls, roles, known)
    needed = (roles.target, *roles.sensitive, *roles.predictions, *roles.scores, roles.known_for)
    missing = [c for c in (*needed, roles.weight, _cluster(roles)) if c and c not in known]
    if missing:
        raise SpecError(
            f"column '{missing[0]}' is not in '{source.name}'; it has {', '.join(known[:20])}"
        )


def _cluster(roles: ColumnRoles) -> str | None:
    """The cluster, or else the id that repeats: its rows are not independent."""
    return roles.cluster or roles.unit


def _systems_by_name(systems: Sequence[System]) -> dict[str, System]:
    return {str(label or score): (label, score) for label, score in systems}


def _counted(
    source: Source, roles: ColumnRoles, controls: Sequence[str]
) -> tuple[_Combinations, list[str]]:
    """The combinations, and the scores with so many values that they were rounded."""
    rounded = [s for s in roles.scores if source.distinct(s) > MAX_SCORES]
    return _count(source, roles, controls, rounded), rounded


def _predictions(
    counted: _Combinations, systems: Sequence[System], labels: OutcomeLabels, roles: ColumnRoles
) -> dict[str, Prediction]:
    return {
        name: _answers(counted, label, score, labels, roles)
        for name, (label, score) in _systems_by_name(systems).items()
    }


def _clusters(counted: _Combinations, roles: ColumnRoles) -> NDArray[np.int64] | None:
    column = _cluster(roles)
    return None if column is None else cluster_codes(counted[column])


def _count(
    source: Source, roles: ColumnRoles, controls: Sequence[str], rounded: Sequence[str]
) -> _Combinations:
    extra = (roles.weight, _cluster(roles), roles.known_for, *controls)
    answers = [*roles.predictions, *roles.scores]
    keys = [c for c in (roles.target, *roles.sensitive, *answers, *extra) if c is not None]
    keys = list(dict.fromkeys(keys))
    counted = source.count(keys, list(rounded), ROUNDED, MAX_COUNTED + 1)
    if len(counted) > MAX_COUNTED:
        raise InputError(
            f"'{source.name}' has more than {MAX_COUNTED:,} different combinations of "
            f"{', '.join(keys)}; round the scores or drop the weight column"
        )
    if counted.is_empty():
        raise InputError(f"'{source.name}' has no rows to audit")
    number = pl.selectors.float()
    finite = counted.with_columns(pl.when(number.is_finite()).then(number))
    named = _Combinations(tuple(keys), finite)
    whole = (None if roles.known_for else roles.target, *answers, roles.weight)
    for column in (c for c in whole if c is not None):
        lost = int(named.times[named[str(column)].is_null().to_numpy()].sum())
        if lost:
            raise InputError(
                f"column '{column}' is missing in {lost} rows of '{source.name}'; "
                "drop those rows first"
            )
    return named.ordered()


@dataclass(frozen=True)
class _Combinations:
    """Combinations of the keys and how often each occurs; columns by their own names."""

    keys: tuple[str, ...]
    table: pl.DataFrame

    def __getitem__(self, key: str) -> pl.Series:
        return self.table[str(self.keys.index(key))].alias(key)

    def __len__(self) -> int:
        return self.table.height

    def named(self, *columns: str) -> pl.DataFrame:
        """Some columns of the combinations."""
        return pl.DataFrame([self[column] for column in columns])

    @property
    def times(self) -> NDArray[np.float64]:
        """(n,) number of equal rows that each combination stands for."""
        return self.table[TIMES].to_numpy().astype(np.float64)

    def ordered(self) -> _Combinations:
        """Databases answer in any order; replicates must not depend on it."""
        keys = [str(i) for i in range(len(self.keys))]
        return _Combinations(
            self.keys, self.table.group_by(keys).agg(pl.col(TIMES).sum()).sort(keys)
        )


# -- codes --------------------------------------------------------------------------------------


def _known(counted: _Combinations, roles: ColumnRoles) -> NDArray[np.bool_] | None:
    """(n,) whether the outcome is known; None where it always is."""
    if roles.target is None or roles.known_for is None:
        return None
    own = roles.positive if roles.known_for in roles.predictions else None
    recorded = counted[roles.target].is_not_null()
    yes = says_yes(counted[roles.known_for], own, recorded) & recorded
    return yes.to_numpy().astype(bool)


def _classes(
    counted: _Combinations,
    roles: ColumnRoles,
    systems: Sequence[System],
    known: NDArray[np.bool_] | None,
) -> tuple[str, ...]:
    """Labels by code; of a binary outcome the positive one last. Without one, the decisions'."""
    decided = [counted[p] for p, _ in systems if p is not None]
    if roles.target is None and not decided:
        return UNNAMED
    if roles.task == "multiclass":
        own = [] if roles.target is None else [counted[roles.target]]
        own = [values if known is None else values.filter(known) for values in own]
        return tuple(target_levels(pl.concat([label_text(c) for c in (*own, *decided)])))
    subject = decided[0] if roles.target is None else counted[roles.target]
    levels = target_levels(subject if known is None else subject.filter(known))
    if len(levels) > 2:
        raise InputError(
            f"a binary outcome has two labels, '{subject.name}' has {', '.join(levels[:6])}; "
            "choose the task multiclass"
        )
    if set(levels) < {"0", "1"}:
        levels = ["0", "1"]
    positive = resolved_positive(subject.name, levels, roles.positive)
    return (next((n for n in levels if n != positive), f"not {positive}"), positive)


def _outcome(roles: ColumnRoles, classes: tuple[str, ...]) -> OutcomeFacts:
    two = classes if roles.task == "binary" and classes != UNNAMED else (None, None)
    named = (roles.target, *roles.predictions, *roles.scores)
    return describe(
        [name for name in named if name is not None],
        (two[0], two[1]),
        target=roles.target,
        positive=roles.positive,
        meaning=roles.meaning,
        known_for=roles.known_for,
    )


def _truth(
    values: pl.Series, classes: tuple[str, ...], known: NDArray[np.bool_] | None
) -> NDArray[np.int64]:
    """Codes of the outcomes, 0 where they are not known."""
    if known is None:
        return _codes(values, OutcomeLabels(values.name, classes, sure=False))
    codes = np.zeros(len(values), dtype=np.int64)
    codes[known] = _codes(values.filter(known), OutcomeLabels(values.name, classes, sure=False))
    return codes


def _codes(values: pl.Series, outcome: OutcomeLabels) -> NDArray[np.int64]:
    text = label_text(values)
    levels = text.unique().to_list()
    read = read_decision(levels, values.name, outcome)
    if read is None:
        odd = sorted(set(levels) - set(outcome.labels))
        what = f"column '{values.name}'"
        raise InputError(unreadable(what, odd, outcome, "positive="))
    return text.replace_strict(read.codes, return_dtype=pl.Int64).to_numpy()


def _answers(
    counted: _Combinations,
    label: str | None,
    score: str | None,
    labels: OutcomeLabels,
    roles: ColumnRoles,
) -> Prediction:
    numbers = None if score is None else counted[score].cast(pl.Float64).to_numpy()
    if label is not None:
        return Prediction(_codes(counted[label], labels), numbers)
    if numbers is None or score is None:
        raise SpecError("a system has neither a prediction nor a score column")
    cut = cut_for(score, numbers, roles.cuts.get(score), REMEDY, counted.times)
    return Prediction(selected(numbers, cut).astype(np.int64), numbers, cut)


def _is_measured(values: pl.Series) -> bool:
    return values.dtype.is_numeric() and values.drop_nulls().n_unique() > MOST_VALUES


def _groups(values: pl.Series, times: NDArray[np.float64]) -> pl.Series:
    """Group labels; numbers with more than 10 values are cut at the quartiles of the rows."""
    if not _is_measured(values):
        return label_text(values).fill_null(MISSING)
    numbers = values.cast(pl.Float64).to_numpy()
    known = ~np.isnan(numbers)
    order = np.argsort(numbers[known])
    ordered, reached = numbers[known][order], np.cumsum(times[known][order])
    ranks = np.ceil(np.arange(1, BINS) / BINS * reached[-1])
    cuts = np.unique(ordered[np.searchsorted(reached, ranks)])
    cuts = cuts[cuts < ordered[-1]]
    if len(cuts) == 0:  # more than three quarters share the largest value
        cuts = ordered[ordered < ordered[-1]][-1:]
    whole = bool((ordered == np.round(ordered)).all())
    names = np.array([*bin_names(cuts, whole=whole), MISSING])
    code = np.where(known, np.searchsorted(cuts, numbers, side="left"), len(cuts) + 1)
    return pl.Series(names[code].tolist(), dtype=pl.String)

"""Guesses on well-known tables against the truth; the table in docs/data.md comes from here.

`python -m tests.data.real_tables` writes it again.
"""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import polars as pl

from fairaudit.data.dataset import Dataset
from fairaudit.data.doctor.diagnosis import Diagnosis, examine
from fairaudit.data.outcome import OutcomeFacts
from fairaudit.data.reading.table import read_table

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "data.md"
START, END = "<!-- guesses: made by tests/data/real_tables.py -->", "<!-- end of guesses -->"
ASKED = "asked"


@dataclass(frozen=True)
class RealTruth:
    """What a careful person would write down; `also` may be sensitive or not."""

    target: str
    positive: str | None
    meaning: str
    sensitive: frozenset[str]
    cluster: str | None = None
    identifiers: frozenset[str] = frozenset()
    scores: frozenset[str] = frozenset()
    leaks: frozenset[str] = frozenset()
    also: frozenset[str] = frozenset()


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ADULT = RealTruth(
    "income", ">50K", "good", _names("sex race age marital-status"), cluster="occupation"
)
TRUTH: Mapping[str, RealTruth] = {
    "COMPAS": RealTruth(
        "two_year_recid", "1", "bad", _names("race sex age"),
        identifiers=_names("id"), scores=_names("decile_score v_decile_score"),
        leaks=_names(
            "is_recid is_violent_recid r_charge_degree r_days_from_arrest r_offense_date "
            "r_charge_desc r_jail_in r_jail_out vr_charge_degree vr_offense_date vr_charge_desc "
            "violent_recid end event in_custody out_custody"
        ),
    ),
    "Adult, adult.data": _ADULT,
    "Adult, adult.test": RealTruth(
        "income", ">50K.", "good", _ADULT.sensitive, cluster="occupation"
    ),
    "Adult, no header": RealTruth(
        "column_15", ">50K", "good", _names("column_1 column_6 column_9 column_10"),
    ),
    "German credit": RealTruth(
        "class-label", "1", ASKED, _names("sex age"), also=_names("foreign-worker marital-status"),
    ),
    "Communities": RealTruth(
        "ViolentCrimesPerPop", None, "bad", _names("racepctblack racePctHisp agePct12t21"),
        cluster="state", identifiers=_names("communityname"), leaks=_names("class"),
        also=_names("racePctWhite racePctAsian agePct12t29 agePct16t24 agePct65up"),
    ),
    "Law school": RealTruth(
        "first_pf", "1", "good", _names("race sex"), cluster="region_first",
        identifiers=_names("column_1"),
    ),
    "hsb82": RealTruth(
        "mAch", None, "good", _names("minrty sx"), cluster="school",
        identifiers=_names("rownames"),
    ),
    "Heart, four sites": RealTruth("num", None, ASKED, _names("sex age"), cluster="site"),
    "Faces": RealTruth("gender", ASKED, "neutral", _names("race age")),
}  # fmt: skip


def read(name: str) -> pl.DataFrame:
    """One of the tables of `TRUTH`, as it is published."""
    return _READERS[name]()


def _headless_adult() -> pl.DataFrame:
    lines = (FOLDER / "adult" / "adult.data").read_text("utf-8").splitlines()[1:]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "adult.data"
        path.write_text("\n".join(lines) + "\n", "utf-8")
        return read_table(path)


def _heart() -> pl.DataFrame:
    parts = [
        read_table(path).with_columns(
            pl.all().cast(pl.Float64), site=pl.lit(path.stem.removeprefix("processed."))
        )
        for path in sorted((FOLDER / "heart").glob("processed.*.data"))
    ]
    return pl.concat(parts)


def _faces() -> pl.DataFrame:
    with zipfile.ZipFile(FOLDER / "faces64.zip") as archive:
        [name] = [n for n in archive.namelist() if n.endswith("labels.csv")]
        return pl.read_csv(archive.read(name))


_READERS: Mapping[str, Callable[[], pl.DataFrame]] = {
    "COMPAS": lambda: read_table(FOLDER / "compas" / "compas_two_years_noname.csv"),
    "Adult, adult.data": lambda: read_table(FOLDER / "adult" / "adult.data"),
    "Adult, adult.test": lambda: read_table(FOLDER / "adult" / "adult.test"),
    "Adult, no header": _headless_adult,
    "German credit": lambda: read_table(FOLDER / "german" / "german_data_credit.csv"),
    "Communities": lambda: read_table(FOLDER / "communities" / "communities_crime.csv"),
    "Law school": lambda: read_table(FOLDER / "law" / "law_data.csv"),
    "hsb82": lambda: read_table(FOLDER / "hsb82" / "Hsb82.csv"),
    "Heart, four sites": _heart,
    "Faces": _faces,
}


@dataclass(frozen=True)
class Checked:
    """The guesses for one table, and which of them are wrong."""

    facts: OutcomeFacts
    diagnosis: Diagnosis
    wrong: tuple[str, ...]


@cache
def check(name: str) -> Checked:
    """Examine a table and compare every fact with the truth."""
    frame, truth = read(name), TRUTH[name]
    diagnosis = examine(frame)
    roles = diagnosis.roles
    facts = Dataset(frame, roles).outcome
    parts = {g.column: g.part for g in diagnosis.guesses}
    out = {c for c, part in parts.items() if part in ("leak", "left out")}
    ids = {c for c, part in parts.items() if part == "identifier"}
    asked = facts.guessed_positive, facts.guessed_meaning
    comparisons = {
        "target": truth.target in (roles.target, *targets_to_ask(diagnosis)),
        "positive class": asked[0]
        if truth.positive == ASKED
        else roles.positive == truth.positive,
        "meaning": asked[1] if truth.meaning == ASKED else facts.meaning == truth.meaning,
        "sensitive": truth.sensitive <= set(roles.sensitive) <= truth.sensitive | truth.also,
        "cluster": roles.cluster == truth.cluster,
        "identifiers": ids == truth.identifiers,
        "scores": set(roles.scores) == truth.scores and not roles.predictions,
        "leaks": truth.leaks <= out,
    }
    return Checked(facts, diagnosis, tuple(f for f, right in comparisons.items() if not right))


def targets_to_ask(diagnosis: Diagnosis) -> tuple[str, ...]:
    """Columns that may be the outcome, which only a person can say."""
    return tuple(c for q in diagnosis.to_ask if q.fact == "target" for c in q.options)


def page_table() -> str:
    """The guesses as Markdown."""
    rows = [
        "| table | outcome | predicted, meaning | sensitive | cluster | scores | leaks left out "
        "| wrong |",
        "|---|---|---|---|---|---|---|---|",
        *(_row(name, check(name)) for name in TRUTH),
    ]
    return "\n".join(rows)


def _row(name: str, checked: Checked) -> str:
    roles, facts = checked.diagnosis.roles, checked.facts
    leaks = [g.column for g in checked.diagnosis.guesses if g.part == "leak"]
    positive = "asked" if facts.guessed_positive else (facts.positive or roles.task)
    meaning = "asked" if facts.guessed_meaning else facts.meaning
    outcome = f"`{roles.target}`"
    if possible := targets_to_ask(checked.diagnosis):
        outcome, positive = f"asked (`{possible[0]}`?)", "asked"
    cells = [
        name, outcome, f"{positive}, {meaning}", _listed(roles.sensitive),
        _listed([roles.cluster] if roles.cluster else []), _listed(roles.scores), _listed(leaks),
        ", ".join(checked.wrong) or "–",
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |"


def _listed(names: list[str] | tuple[str, ...]) -> str:
    return ", ".join(f"`{n}`" for n in names) or "–"


def main() -> None:
    """Write the table into the page."""
    head, _, rest = PAGE.read_text("utf-8").partition(START)
    tail = rest.partition(END)[2]
    PAGE.write_text(f"{head}{START}\n{page_table()}\n{END}{tail}", "utf-8")


if __name__ == "__main__":
    main()

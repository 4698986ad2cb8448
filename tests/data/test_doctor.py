"""The doctor: guesses on real tables, problems one by one, proxies of known strength."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairaudit.data.dataset import Dataset
from fairaudit.data.doctor.column_profile import (
    best_separation,
    binned,
    outcome_codes,
    separation,
)
from fairaudit.data.doctor.diagnosis import Diagnosis, examine
from fairaudit.data.doctor.proxies import find_proxies
from fairaudit.data.mends import mended
from fairaudit.data.name_words import words_of
from fairaudit.data.reading.table import read_table
from fairaudit.data.roles import ColumnRoles, resolve
from fairaudit.data.samples import SAMPLES
from fairaudit.exceptions import InputError, SpecError


def stopped(found: Diagnosis) -> bool:
    """Whether an error keeps the audit from running."""
    return any(p.severity == "error" for p in found.problems)


REAL = {
    "adult/adult.data": {
        "target": "income", "positive": ">50K", "sensitive": {"sex", "race"},
        "cluster": "occupation", "task": "binary", "scores": (),
    },
    "adult/adult.test": {"target": "income", "positive": ">50K.", "sensitive": {"sex", "race"}},
    "compas/compas_two_years_noname.csv": {
        "target": "two_year_recid", "positive": "1", "sensitive": {"sex", "race", "age"},
        "cluster": None, "scores": ("decile_score", "v_decile_score"),
    },
    "communities/communities_crime.csv": {
        "target": "ViolentCrimesPerPop", "task": "regression", "cluster": "state",
        "sensitive": {"racepctblack", "racePctHisp", "agePct12t21"},
    },
    "law/law_data.csv": {
        "target": "first_pf", "positive": "1", "sensitive": {"sex", "race"},
        "cluster": "region_first",
    },
    "german/german_data_credit.csv": {
        "target": "class-label", "positive": "1", "sensitive": {"sex", "age"}, "cluster": None,
    },
    "hsb82/Hsb82.csv": {
        "target": "mAch", "task": "regression", "sensitive": {"minrty", "sx"}, "cluster": "school",
    },
    "heart/processed.cleveland.data": {
        "target": None, "sensitive": {"sex", "age"}, "cluster": None,
    },
}  # fmt: skip


@pytest.mark.parametrize("name", REAL)
def test_guesses_on_real_tables(name: str, shared_data: Path) -> None:
    frame = read_table(shared_data / name)
    found = examine(frame)
    for part, expected in REAL[name].items():
        value = getattr(found.roles, part)
        if part == "sensitive":
            assert set(expected) <= set(value)  # type: ignore[call-overload]
            assert len(value) <= 6
        else:
            assert value == expected
    if found.roles.target is None:  # "num" means anything; it only stands last
        [question] = [q for q in found.to_ask if q.fact == "target"]
        assert question.options == ("num",)
        found = examine(frame, target="num")
        assert found.roles.task == "multiclass"
    assert resolve(frame, found.roles)
    assert not stopped(found)
    assert {g.column for g in found.guesses} == set(frame.columns)
    assert all(g.reason and 0 < g.confidence <= 1 for g in found.guesses)
    assert not set(found.roles.features) & set(found.roles.sensitive)


def test_compas_outcomes_are_not_offered_as_features(shared_data: Path) -> None:
    found = examine(read_table(shared_data / "compas/compas_two_years_noname.csv"))
    left_out = {g.column for g in found.guesses if g.part == "leak"}
    assert {"is_recid", "r_charge_degree", "r_offense_date"} <= left_out
    assert {"r_days_from_arrest", "r_jail_in", "r_jail_out", "r_charge_desc"} <= left_out
    assert {"is_violent_recid", "vr_charge_degree", "vr_offense_date"} <= left_out
    assert {"event", "end"} <= left_out
    assert {"id", "decile_score.1", "age_cat"}.isdisjoint(found.roles.features)
    assert {"score_text", "v_score_text"}.isdisjoint(found.roles.features)  # cut from scores
    assert "c_days_from_compas" in found.roles.features  # days from an earlier event
    assert "c_charge_degree" in found.roles.features  # M and F are no sexes here


def test_guesses_on_the_samples() -> None:
    lending = examine(read_table(SAMPLES["lending"].path))
    wanted = SAMPLES["lending"].roles
    assert lending.roles.target == wanted.target
    assert lending.roles.positive == wanted.positive
    assert lending.roles.predictions == wanted.predictions
    assert lending.roles.scores == wanted.scores
    assert set(lending.roles.sensitive) == set(wanted.sensitive)
    strongest = lending.proxies.row(0, named=True)
    assert (strongest["feature"], strongest["sensitive"]) == ("district", "ethnicity")
    hospital = examine(read_table(SAMPLES["hospital"].path)).roles
    assert (hospital.target, hospital.cluster) == ("readmitted", "site")
    rome = examine(read_table(SAMPLES["rome_simulation"].path)).roles
    assert (rome.target, rome.task, rome.split) == ("y", "regression", "split")


def _table(n: int = 300, **columns: object) -> pl.DataFrame:
    rng = np.random.default_rng(1)
    base = {"sex": rng.choice(["f", "m"], n), "x": rng.normal(size=n), "z": rng.normal(size=n)}
    return pl.DataFrame({**base, **columns, "hired": rng.integers(0, 2, n)})


def _codes(found: Diagnosis) -> dict[str, str | None]:
    return {p.code: p.column for p in found.problems}


def test_a_healthy_table_has_no_problems() -> None:
    assert examine(_table()).problems == ()


def _holed(column: str, k: int) -> pl.DataFrame:
    return _table().with_columns(pl.when(pl.int_range(300) >= k).then(column).alias(column))


N = np.arange(300)
SICK: dict[str, tuple[pl.DataFrame, ColumnRoles | None]] = {
    "constant": (_table(same=[1] * 300), None),
    "empty_column": (_table(hollow=pl.Series([None] * 300, dtype=pl.Float64)), None),
    "duplicated_name": (_table(**{"x (2)": N % 7}), None),
    "identifier_feature": (
        _table(person=[f"p{i}" for i in N]),
        ColumnRoles(target="hired", features=("person", "x"), sensitive=("sex",)),
    ),
    "many_levels": (
        _table(900, job=[f"job {i % 400}" for i in range(900)]),
        ColumnRoles(target="hired", features=("job",), sensitive=("sex",)),
    ),
    "small_group": (_table(race=["a"] * 290 + ["b"] * 10), None),
    "many_groups": (
        _table(race=[f"r{i % 60}" for i in N]),
        ColumnRoles(target="hired", sensitive=("race",)),
    ),
    "mixed_types": (
        _table(pay=[str(i) for i in N[:-4]] + ["unknown pay"] * 4),
        ColumnRoles(target="hired", features=("pay",), sensitive=("sex",)),
    ),
    "number_text": (
        _table(pay=[f"${i},000" for i in N]),
        ColumnRoles(target="hired", features=("pay",), sensitive=("sex",)),
    ),
    "infinite": (_table(ratio=np.where(N % 50 == 0, np.inf, N / 7)), None),
    "many_missing": (_table(lab=pl.Series([1.5, None, None, None, 2.0] * 60)), None),
    "coded_missing": (_table(lab=np.where(N % 10 == 0, -999, N % 40)), None),
    "few_clusters": (_table(site=[f"s{i % 3}" for i in N]), None),
    "tiny_clusters": (
        _table(site=[f"s{i // 1}" for i in N % 250]),
        ColumnRoles(target="hired", cluster="site", sensitive=("sex",)),
    ),
    "no_sensitive": (_table().drop("sex"), None),
    "few_rows": (_table(60), None),
    "no_target": (_table().select("sex", colour=pl.lit("a"), note=pl.lit("b")), None),
    "sensitive_missing": (_holed("sex", 40), None),
    "rare_class": (_table().with_columns(hired=pl.Series([1] * 5 + [0] * 295)), None),
    "prediction_labels": (
        _table(decision=["maybe"] * 300),
        ColumnRoles(target="hired", predictions=("decision",), sensitive=("sex",)),
    ),
    "role": (_table(), ColumnRoles(target="nowhere", sensitive=("sex",))),
    "proxy": (
        _table().with_columns(hair=(pl.col("sex") == "f") + pl.col("x") / 4),
        ColumnRoles(target="hired", features=("hair",), sensitive=("sex",)),
    ),
    "leak": (_table().with_columns(after=pl.col("hired") * 2 + pl.col("x") / 10), None),
    "telling": (_table().with_columns(grade=pl.col("hired") * 2 + pl.Series(N % 7) / 1.5), None),
    "target_missing": (_holed("hired", 9), None),
}  # fmt: skip


@pytest.mark.parametrize("code", SICK)
def test_every_problem_is_found_and_has_a_remedy(code: str) -> None:
    frame, roles = SICK[code]
    found = examine(frame, roles)
    problem = next((p for p in found.problems if p.code == code), None)
    assert problem is not None, _codes(found)
    assert problem.text
    assert problem.remedy
    if problem.column is not None:
        assert problem.column in frame.columns


def test_all_problems_come_at_once_the_gravest_first() -> None:
    frame = _table(100, same=[1] * 100, decision=["maybe"] * 100)
    roles = ColumnRoles(target="hired", features=("same",), predictions=("decision",))
    found = examine(frame, roles)
    severities = [p.severity for p in found.problems]
    order = ["error", "warning", "note"]
    assert severities == sorted(severities, key=order.index)
    assert {"constant", "prediction_labels", "no_sensitive", "few_rows"} <= set(_codes(found))
    assert stopped(found)
    assert found.guesses == ()


def test_a_column_cut_from_a_score_is_no_feature_and_one_that_is_not_stays() -> None:
    score = pl.Series("risk_score", N % 10)
    frame = _table().with_columns(
        score,
        risk=pl.Series(["low", "high"])[(score > 6).cast(pl.Int64)],
        mood=pl.Series([["low", "high"][i // 3 % 2] for i in N]),
    )
    found = examine(frame)
    assert found.roles.scores == ("risk_score",)
    [why] = [g.reason for g in found.guesses if g.column == "risk"]
    assert why == "it is derived from the score 'risk_score'"
    assert "mood" in found.roles.features


def test_a_proxy_has_the_auroc_that_sklearn_gives() -> None:
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(0)
    sex = rng.integers(0, 2, 8000)
    height = 165 + 12 * sex + rng.normal(0, 8, 8000)
    frame = pl.DataFrame({"height": height, "noise": rng.normal(size=8000), "sex": sex})
    found = find_proxies(frame, ["height", "noise"], ["sex"])
    assert found["feature"].to_list() == ["height"]  # noise is no proxy
    assert abs(found["auroc"][0] - roc_auc_score(sex, height)) < 0.01


def test_noise_is_neither_a_leak_nor_a_proxy_of_a_rare_class() -> None:
    rng = np.random.default_rng(3)
    for cases in (5, 20, 40):
        rare = (np.arange(1000) < cases).astype(int)
        noise = {f"n{i}": rng.normal(size=1000) for i in range(12)}
        counts = {f"c{i}": rng.poisson(1, 1000) for i in range(12)}
        frame = pl.DataFrame({**noise, **counts, "caste": rare, "hired": rare[::-1]})
        found = examine(frame)
        assert found.proxies.height == 0
        assert {g.part for g in found.guesses if g.column[0] in "nc" and g.column != "caste"} == {
            "feature"
        }
        assert not {"telling", "leak", "proxy"} & {p.code for p in found.problems}


def test_the_interval_of_a_strength_holds_it() -> None:
    rng = np.random.default_rng(5)
    sex = rng.integers(0, 2, 3000)
    outcome, n = outcome_codes(pl.Series(sex))
    draws = [
        best_separation(binned(pl.Series(sex + rng.normal(0, 2, 3000))), outcome, n)
        for _ in range(40)
    ]
    widths = [d.auroc - d.lower(1.0) for d in draws]
    assert np.mean(widths) == pytest.approx(np.std([d.auroc for d in draws]), rel=0.3)


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("diag_1", [*("428", "250.83", "401", "786") * 9, "V57", "E11", "V58"]),
        ("departement", [*("13", "59", "75", "93") * 9, "2A", "2B"]),
        ("dti", [*("36", "41", "44", "46") * 9, "<20%", "50%-60%"]),
        ("grade", ["1", "2", "A", "B"]),
        ("hired", [*("- 50000.",) * 9, "50000+."]),
        ("seen", ["05.03.2024", "17.11.2023", "unknown"]),
    ],
)
def test_codes_ranges_dates_and_labels_are_never_read_as_numbers(
    column: str, values: list[str]
) -> None:
    frame = _table().with_columns(pl.Series(column, [values[i % len(values)] for i in N]))
    found = examine(frame)
    assert "as_numbers" not in {m.kind for p in found.problems for m in p.mends}


def test_a_few_remarks_among_numbers_are_mended() -> None:
    texts = ["unknown pay" if i % 15 == 0 else str(i) for i in N]
    [problem] = [p for p in examine(_table(pay=texts)).problems if p.code == "mixed_types"]
    assert problem.safe
    assert [m.kind for m in problem.mends] == ["as_numbers"]


def test_many_levels_tell_nothing_by_chance() -> None:
    rng = np.random.default_rng(0)
    outcome, n = outcome_codes(pl.Series(rng.integers(0, 2, 2000)))
    codes = binned(pl.Series([f"level {i}" for i in rng.integers(0, 1000, 2000)]))
    assert separation(codes, outcome, n) < 0.56


def test_a_curved_relation_is_a_proxy_too() -> None:
    x = np.linspace(-1, 1, 4000)
    frame = pl.DataFrame({"x": x, "sex": (np.abs(x) > 0.5).astype(int)})
    assert find_proxies(frame, ["x"], ["sex"])["auroc"][0] > 0.99


_COLUMNS = st.sampled_from(
    [
        pl.Series([None] * 40),
        pl.Series([None] * 40, dtype=pl.Float64),
        pl.Series([float("nan"), float("inf")] * 20),
        pl.Series([True, None] * 20),
        pl.Series(["f", "m"] * 20),
        pl.Series(["", "é", None, "x"] * 10),
        pl.Series([str(i) for i in range(40)]),
        pl.Series(range(40)),
        pl.Series([0, 1] * 20),
        pl.Series([0, 1, 2, 3] * 10),
        pl.Series([i / 7 for i in range(40)]),
        pl.Series([1.0] * 40),
        pl.Series(["2024-01-02", "2023-01-05"] * 20).str.to_date(),
        pl.Series(["a.png"] * 40),
        pl.Series(["train", "test"] * 20),
    ]
)
_NAMES = st.sampled_from(
    ["sex", "age", "id", "y", "income", "score", "decision", "site", "split", "race", "x",
     "fold", "weight", "black", "image", "x (2)", "date", "target", "état civil", "pred"]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(columns=st.dictionaries(_NAMES, _COLUMNS, min_size=1, max_size=8), rows=st.integers(1, 40))
def test_any_table_can_be_examined_and_its_roles_fit_or_say_why(
    columns: dict[str, pl.Series], rows: int
) -> None:
    frame = pl.DataFrame(dict(columns)).head(rows)
    found = examine(frame)
    assert {g.column for g in found.guesses} == set(columns)
    if stopped(found):
        assert any(p.code in ("role", "prediction_labels") for p in found.problems)
        return
    roles = found.roles.model_copy(update={"image": None})
    with contextlib.suppress(InputError, SpecError):  # too few rows or values are left
        arrays = Dataset(frame, roles).arrays()
        assert len(arrays) >= 3
        assert np.isfinite(arrays.X).all()
        assert np.isfinite(arrays.sensitive).all()


def test_names_are_read_as_words() -> None:
    assert words_of("agePct12t21") == ("age", "pct", "12", "t", "21")
    assert words_of("native-country") == ("native", "country")
    assert words_of("HTMLPage_id") == ("html", "page", "id")


def test_a_wide_table_is_examined_from_a_sample_of_rows() -> None:
    rng = np.random.default_rng(0)
    columns = {f"c{i}": rng.normal(size=30_000) for i in range(20)}
    frame = pl.DataFrame(
        {**columns, "gender": rng.choice(["F", "M"], 30_000), "y": rng.integers(0, 2, 30_000)}
    )
    found = examine(frame)
    assert found.roles.target == "y"
    assert found.roles.sensitive == ("gender",)
    assert len(found.roles.features) == 20


def test_row_numbers_with_gaps_are_an_identifier_in_a_large_table_too() -> None:
    kept = np.flatnonzero(np.random.default_rng(0).random(30_000) < 0.8)
    frame = pl.DataFrame({"column_1": kept, "x": kept % 7, "hired": kept % 2})
    assert next(g.part for g in examine(frame).guesses) == "identifier"


def test_the_doctor_needs_neither_sklearn_nor_torch() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from fairaudit.data.samples import SAMPLES;"
        "from fairaudit.data.reading.table import read_table;"
        "from fairaudit.data.doctor.diagnosis import examine;"
        "from fairaudit.data.dataset import Dataset;"
        "s = SAMPLES['lending']; f = read_table(s.path); examine(f); Dataset(f, s.roles).arrays();"
        "print([m for m in ('torch', 'sklearn', 'pandas', 'streamlit') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_leaks_are_judged_against_the_target_that_is_named() -> None:
    rng = np.random.default_rng(4)
    promoted, hired = rng.integers(0, 2, 600), rng.integers(0, 2, 600)
    frame = pl.DataFrame(
        {
            "sex": rng.choice(["f", "m"], 600),
            "stars": promoted * 10 + rng.integers(0, 3, 600),
            "skill": rng.normal(size=600) + hired,
            "promoted": promoted,
            "hired": hired,
        }
    )
    parts = {g.column: g.part for g in examine(frame, target="promoted").guesses}
    assert parts["promoted"] == "target"
    assert parts["stars"] == "leak"
    assert parts["skill"] == "feature"
    assert {g.column: g.part for g in examine(frame).guesses}["hired"] == "target"


PEOPLE = 800
LEIS = ("549300FX7K8PTEQUU487", "254900HA4DQWAE0W3342", "549300AG64NHILB7ZP05",
        "B4TYDEB6GKMZO031MB27", "5493001ALTNWPQYEAS17")  # fmt: skip


def _parts(**columns: object) -> dict[str, tuple[str, str]]:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame(
        {
            "sex": rng.choice(["f", "m"], PEOPLE),
            "income": rng.normal(50, 9, PEOPLE).round(1),
            "granted": rng.integers(0, 2, PEOPLE),
            **columns,
        }
    )
    return {g.column: (g.part, g.reason) for g in examine(frame).guesses}


def _days(pattern: str) -> list[str]:
    rng = np.random.default_rng(1)
    days = zip(*(rng.integers(*r, PEOPLE) for r in ((1940, 2004), (1, 13), (1, 29))), strict=True)
    return [pattern.format(y=y, m=m, d=d) for y, m, d in days]


@pytest.mark.parametrize("name", ["date_of_birth", "dob", "Geburtsdatum", "BirthDate", "birthday"])
@pytest.mark.parametrize(
    "pattern", ["{y:04d}-{m:02d}-{d:02d}", "{d:02d}.{m:02d}.{y:04d}", "{m}/{d}/{y}"]
)
def test_dates_of_birth_as_text_are_named_and_not_used(name: str, pattern: str) -> None:
    part, reason = _parts(**{name: _days(pattern)})[name]
    assert part == "left out"
    assert reason == "dates of birth as text; read them as years to compare people by age"


@pytest.mark.parametrize("pattern", ["{d:02d}.{m:02d}.{y:04d}", "{m}/{d}/{y}"])
def test_dates_of_birth_as_text_are_read_as_years_by_one_click(pattern: str) -> None:
    frame = _table(PEOPLE, **{"Date of Birth": _days(pattern)})
    [problem] = [p for p in examine(frame).problems if p.code == "birth_text"]
    again = mended(frame, problem.mends)
    assert again["Date of Birth"].to_list() == [
        int(day.split()[-1][-4:]) for day in _days(pattern)
    ]
    assert "Date of Birth" in examine(again).roles.sensitive


def test_dates_of_birth_with_two_digits_for_the_year_are_not_offered_as_years() -> None:
    days = [f"{day[:6]}{day[-2:]}" for day in _days("{d:02d}/{m:02d}/{y}")]
    problems = examine(_table(PEOPLE, **{"Date of Birth": days})).problems
    assert "birth_text" not in {p.code for p in problems}


@pytest.mark.parametrize("name", ["due_date", "birthplace"])
def test_other_dates_and_places_are_no_dates_of_birth(name: str) -> None:
    values = _days("{d}/{m}/{y}") if name == "due_date" else ["Rome", "Oslo"] * (PEOPLE // 2)
    assert "dates of birth" not in _parts(**{name: values})[name][1]


@pytest.mark.parametrize("name", ["lei", "lender_code", "iban", "counterparty"])
def test_codes_of_institutions_are_no_features_whatever_their_number(name: str) -> None:
    rng = np.random.default_rng(2)
    branch = rng.choice(["north", "south", "east", "west"], PEOPLE)
    parts = _parts(branch=branch, **{name: rng.choice(LEIS, PEOPLE)})
    assert parts[name][0] in ("left out", "cluster", "identifier")


def test_words_of_one_length_stay_features() -> None:
    words = np.random.default_rng(3).choice(["FULLYEARLY", "HALFYEARLY"], PEOPLE)
    assert _parts(rhythm=words)["rhythm"][0] == "feature"


@pytest.mark.parametrize("more", [{}, {"lei": LEIS}])
def test_respondents_of_mortgage_reports_are_lenders(more: dict[str, tuple[str, ...]]) -> None:
    rng = np.random.default_rng(4)
    ids = rng.choice([f"{i:010d}" for i in rng.integers(1, 10**9, 60)], PEOPLE)
    lenders = {name: rng.choice(values, PEOPLE) for name, values in more.items()}
    loans = {"agency_code": rng.integers(1, 9, PEOPLE), "loan_purpose": rng.integers(1, 4, PEOPLE)}
    parts = _parts(respondent_id=ids, **loans, **lenders)
    assert parts["respondent_id"][0] in ("cluster", "identifier")
    assert "lenders" in parts["respondent_id"][1]
    assert _parts(respondent_id=ids)["respondent_id"][0] == "unit"  # of a survey


@pytest.mark.parametrize(
    ("labels", "code"), [(("AA", "BB"), "positive_unsaid"), (("blau", "rot"), "positive_unsaid"),
                         (("0", "1"), "meaning_unsaid"), (("not hired", "hired"), None)],
)  # fmt: skip
def test_what_no_word_of_the_outcome_says_is_asked(labels: Any, code: str | None) -> None:
    frame = pl.DataFrame(
        {"sex": ["f", "m"] * 100, "outcome": [labels[0], *labels, labels[1]] * 50}
    )
    unsaid = [p.code for p in examine(frame).problems if p.code.endswith("_unsaid")]
    assert unsaid == ([] if code is None else [code])


def test_a_proxy_of_two_attributes_has_one_button() -> None:
    """Two buttons for one mend would have one key, which a page refuses."""
    rng = np.random.default_rng(3)
    place = rng.integers(0, 4, 600)
    frame = pl.DataFrame(
        {
            "sex": np.where(place % 2 == 0, "f", "m"),
            "race": np.where(place < 2, "black", "white"),
            "place": np.array(["n", "e", "s", "w"])[place],
            "hired": rng.integers(0, 2, 600),
        }
    )
    found = [p for p in examine(frame).problems if p.code == "proxy"]
    assert len(found) == 2
    assert [m.column for p in found for m in p.mends] == ["place"]

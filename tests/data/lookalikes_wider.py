"""More tables that look like well-known ones: census, credit, policing, welfare, work, school."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import polars as pl

from tests.data.lookalike import Draw, Truth, some


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _person(d: Draw) -> dict[str, object]:
    """Columns that the tasks of the American Community Survey share."""
    return {
        "AGEP": d.whole(0, 94), "SCHL": d.whole(1, 24), "MAR": d.whole(1, 5),
        "RELP": d.whole(0, 17), "DIS": d.whole(1, 2), "ESP": d.whole(0, 8),
        "CIT": d.whole(1, 5), "MIL": d.whole(0, 4), "ANC": d.whole(1, 4),
        "NATIVITY": d.whole(1, 2), "DEAR": d.whole(1, 2), "DEYE": d.whole(1, 2),
        "DREM": d.whole(0, 2), "SEX": d.whole(1, 2), "RAC1P": d.whole(1, 9),
    }  # fmt: skip


_ACS = frozenset({"AGEP", "MAR", "DIS", "CIT", "NATIVITY", "SEX", "RAC1P"})
_ACS_FREE = _names("NATIVITY CIT MAR DIS DEAR DEYE DREM ANC")


def acs_employment() -> tuple[pl.DataFrame, Truth]:
    d = Draw(2000)
    frame = pl.DataFrame({**_person(d), "MIG": d.whole(1, 3), "ESR": d.coin(0.45)})
    return frame, Truth("ESR", _ACS, free=_ACS_FREE, meaning="good", positive="1")


def acs_mobility() -> tuple[pl.DataFrame, Truth]:
    d = Draw(2000)
    frame = pl.DataFrame({
        **_person(d), "GCL": d.whole(0, 2), "COW": d.whole(1, 8), "ESR": d.whole(1, 6),
        "WKHP": d.whole(1, 99), "JWMNP": d.whole(1, 150), "PINCP": d.whole(0, 200_000),
        "MIG": d.coin(0.75),
    })  # fmt: skip
    return frame, Truth("MIG", _ACS, free=_ACS_FREE | {"ESR"}, meaning="neutral", positive="1")


def acs_public_coverage() -> tuple[pl.DataFrame, Truth]:
    d = Draw(2000)
    frame = pl.DataFrame({
        **_person(d), "MIG": d.whole(1, 3), "PINCP": d.whole(0, 30_000), "ESR": d.whole(0, 6),
        "ST": [6] * d.n, "FER": d.whole(0, 2), "PUBCOV": d.coin(0.35),
    })  # fmt: skip
    return frame, Truth("PUBCOV", _ACS, free=_ACS_FREE, meaning="good", positive="1")


def medical_expenditure() -> tuple[pl.DataFrame, Truth]:
    d = Draw(2000)
    frame = pl.DataFrame({
        "REGION": d.whole(1, 4), "AGE": d.whole(0, 85), "SEX": d.whole(1, 2),
        "RACE": d.pick("White", "Non-White"), "MARRY": d.whole(1, 10), "FTSTU": d.whole(-1, 3),
        "ACTDTY": d.whole(1, 4), "HONRDC": d.whole(1, 4), "RTHLTH": d.whole(-1, 5),
        "MNHLTH": d.whole(-1, 5), "HIBPDX": d.whole(-1, 2), "CHDDX": d.whole(-1, 2),
        "PCS42": d.number(50, 9), "K6SUM42": d.whole(0, 24), "EMPST": d.whole(1, 4),
        "POVCAT": d.whole(1, 5), "INSCOV": d.whole(1, 3), "PERWT15F": d.number(9000, 3000),
        "UTILIZATION": d.coin(0.2),
    })  # fmt: skip
    return frame, Truth(
        "UTILIZATION", _names("AGE SEX RACE MARRY"), free=_names("PERWT15F CHDDX"),
        meaning="good", positive="1",
    )  # fmt: skip


def census_without_names() -> tuple[pl.DataFrame, Truth]:
    d = Draw(2500)
    frame = pl.DataFrame({
        "column_1": d.whole(0, 90), "column_2": d.pick("Not in universe", "Private", "Federal"),
        "column_3": d.whole(0, 51), "column_4": d.whole(0, 46),
        "column_5": d.pick("High school graduate", "Children", "Bachelors degree(BA AB BS)"),
        "column_6": d.pick("Married-civilian spouse present", "Never married", "Divorced"),
        "column_7": d.pick(*["White", "Black", "Asian or Pacific Islander", "Other",
        "Amer Indian Aleut or Eskimo"]),
        "column_8": d.pick("Female", "Male"), "column_9": d.pick("Nonfiler", "Joint", "Single"),
        "column_10": d.number(1700, 900), "column_11": d.whole(0, 52),
        "column_12": d.pick("Both parents present", "Mother only present", "Not in universe"),
        "column_13": d.pick("- 50000.", "50000+.", p=[0.9, 0.1]),
    })  # fmt: skip
    return frame, Truth(
        "column_13", _names("column_1 column_6 column_7 column_8"), meaning="good",
        positive="50000+.",
    )  # fmt: skip


def lending_club() -> tuple[pl.DataFrame, Truth]:
    d = Draw(2000)
    y = d.coin(0.2)
    amount = d.whole(2, 70) * 500
    paid = np.where(y == 1, np.round(amount * d.rng.uniform(0.1, 0.8, d.n), 2), amount)
    frame = pl.DataFrame({
        "id": d.rng.permutation(9_000_000)[: d.n], "loan_amnt": amount,
        "term": d.pick(" 36 months", " 60 months"), "int_rate": d.number(13, 4),
        "grade": d.pick("A", "B", "C", "D"), "emp_length": d.pick("10+ years", "< 1 year"),
        "home_ownership": d.pick("RENT", "OWN", "MORTGAGE"), "annual_inc": d.whole(20, 200) * 1000,
        "issue_d": d.pick("Dec-2015", "Jan-2016", "Mar-2016"), "purpose": d.pick("car", "house"),
        "addr_state": d.pick(*(f"S{k}" for k in range(40))), "dti": d.number(18, 8),
        "delinq_2yrs": d.whole(0, 5), "fico_range_low": d.whole(130, 168) * 5,
        "total_pymnt": paid, "total_rec_prncp": paid, "total_rec_int": d.number(800, 200),
        "recoveries": np.where(y == 1, d.whole(0, 900), 0),
        "last_pymnt_amnt": d.number(900, 400), "loan_status": np.where(
        y == 1, "Charged Off", "Fully Paid"),
    })  # fmt: skip
    return frame, Truth(
        "loan_status", frozenset(), cluster="addr_state", identifiers=frozenset({"id"}),
        leaks=_names("total_pymnt total_rec_prncp total_rec_int recoveries last_pymnt_amnt"),
        meaning="good", positive="Fully Paid",
    )  # fmt: skip


def home_equity() -> tuple[pl.DataFrame, Truth]:
    d = Draw(2000)
    frame = pl.DataFrame({
        "RiskPerformance": d.pick("Bad", "Good"), "ExternalRiskEstimate": d.whole(40, 94),
        "MSinceOldestTradeOpen": d.whole(0, 800), "AverageMInFile": d.whole(4, 380),
        "NumSatisfactoryTrades": d.whole(0, 79), "NumTrades60Ever2DerogPubRec": d.whole(0, 19),
        "PercentTradesNeverDelq": d.whole(0, 100), "MaxDelq2PublicRecLast12M": d.whole(0, 9),
        "NumTotalTrades": d.whole(0, 104), "NetFractionRevolvingBurden": d.whole(0, 232),
    })  # fmt: skip
    return frame, Truth("RiskPerformance", frozenset(), meaning="good", positive="Good")


def home_credit() -> tuple[pl.DataFrame, Truth]:
    d = Draw(2000)
    frame = pl.DataFrame({
        "SK_ID_CURR": np.arange(100_002, 100_002 + d.n), "TARGET": d.coin(0.08),
        "NAME_CONTRACT_TYPE": d.pick("Cash loans", "Revolving loans"),
        "CODE_GENDER": d.pick("F", "M"), "FLAG_OWN_CAR": d.pick("Y", "N"),
        "CNT_CHILDREN": d.whole(0, 5), "AMT_INCOME_TOTAL": d.whole(30, 400) * 1000,
        "AMT_CREDIT": d.whole(50, 900) * 1000, "NAME_INCOME_TYPE": d.pick("Working", "Pensioner"),
        "NAME_FAMILY_STATUS": d.pick("Married", "Single / not married", "Widow", "Separated"),
        "DAYS_BIRTH": -d.whole(7500, 25_200), "DAYS_EMPLOYED": -d.whole(0, 15_000),
        "OCCUPATION_TYPE": d.pick("Laborers", "Managers", "Core staff", None),
        "REGION_RATING_CLIENT": d.whole(1, 3), "EXT_SOURCE_1": d.rng.random(d.n),
    })  # fmt: skip
    return frame, Truth(
        "TARGET", _names("CODE_GENDER NAME_FAMILY_STATUS DAYS_BIRTH"),
        identifiers=frozenset({"SK_ID_CURR"}), positive="1", meaning="neutral",
    )  # fmt: skip


def learning_platform() -> tuple[pl.DataFrame, Truth]:
    d = Draw(480)
    frame = pl.DataFrame({
        "gender": d.pick("M", "F"), "NationalITy": d.pick("KW", "Jordan", "Iraq", "lebanon"),
        "PlaceofBirth": d.pick("KuwaIT", "Jordan", "Iraq", "lebanon"),
        "StageID": d.pick("lowerlevel", "MiddleSchool", "HighSchool"),
        "GradeID": d.pick("G-02", "G-04", "G-07", "G-08"), "SectionID": d.pick("A", "B", "C"),
        "Topic": d.pick("IT", "Math", "Arabic", "Science"), "Semester": d.pick("F", "S"),
        "Relation": d.pick("Father", "Mum"), "raisedhands": d.whole(0, 100),
        "VisITedResources": d.whole(0, 99), "Discussion": d.whole(1, 99),
        "ParentAnsweringSurvey": d.pick("Yes", "No"),
        "StudentAbsenceDays": d.pick("Under-7", "Above-7"), "Class": d.pick("L", "M", "H"),
    })  # fmt: skip
    return frame, Truth("Class", _names("gender NationalITy PlaceofBirth"),
                        free=frozenset({"PlaceofBirth"}))  # fmt: skip


def portraits() -> tuple[pl.DataFrame, Truth]:
    d = Draw(2000)
    traits = [
        "5_o_Clock_Shadow", "Arched_Eyebrows", "Bags_Under_Eyes", "Bald", "Bangs", "Big_Lips",
        "Big_Nose", "Blurry", "Eyeglasses", "Heavy_Makeup", "Smiling", "Wearing_Hat",
    ]  # fmt: skip
    frame = pl.DataFrame({
        "image_id": [f"{k:06d}.jpg" for k in range(1, d.n + 1)],
        **{t: d.pick(-1, 1) for t in traits},
        "Attractive": d.pick(-1, 1), "Male": d.pick(-1, 1), "Young": d.pick(-1, 1),
    })  # fmt: skip
    return frame, Truth(
        "Attractive", _names("Male Young"), meaning="good", positive="1",
        free=frozenset({"image_id"}),
    )  # fmt: skip


def comments_with_identities() -> tuple[pl.DataFrame, Truth]:
    d = Draw(2000)
    tox = np.round(d.rng.beta(0.4, 2.5, d.n), 3)
    asked = d.coin(0.5) == 1
    large = ("male", "female", "christian", "muslim", "white", "black")
    small = ("jewish", "hindu", "buddhist", "asian", "latino", "transgender", "other_religion",
             "homosexual_gay_or_lesbian", "physical_disability")  # fmt: skip

    def shares(p: float) -> list[object]:
        return some(np.where(d.coin(p) == 1, np.round(d.rng.uniform(0.2, 1, d.n), 3), 0.0), asked)

    frame = pl.DataFrame({
        "id": d.rng.permutation(6_000_000)[: d.n], "target": tox,
        "comment_text": [f"comment {k} says something of its own" for k in range(d.n)],
        "severe_toxicity": tox / 10, "obscene": tox * d.rng.random(d.n),
        "identity_attack": tox * d.rng.random(d.n), "insult": tox * 0.8,
        "threat": tox * d.rng.random(d.n), **{c: shares(0.3) for c in large},
        **{c: shares(0.05) for c in small}, "publication_id": d.pick(2, 13, 21, 54, 102),
        "likes": d.whole(0, 9), "identity_annotator_count": d.pick(4, 10),
        "toxicity_annotator_count": d.pick(4, 10, 50),
        "model_toxicity": np.clip(tox + d.number(0, 0.1), 0, 1),
    })  # fmt: skip
    return frame, Truth(
        "target", frozenset(large), identifiers=_names("id comment_text"),
        scores=frozenset({"model_toxicity"}),
        leaks=_names("severe_toxicity obscene identity_attack insult threat"),
        free=frozenset({"publication_id"}),
    )  # fmt: skip


def stops_by_the_police() -> tuple[pl.DataFrame, Truth]:
    d = Draw(2000)
    arrested = d.coin(0.3)
    frame = pl.DataFrame({
        "year": [2012] * d.n, "pct": d.whole(1, 60), "ser_num": d.whole(1, 90_000),
        "datestop": d.whole(1, 12) * 1_000_000 + 52_012, "perobs": d.whole(1, 10),
        "crimsusp": d.pick("FEL", "MISD", "CPW"), "frisked": d.pick("Y", "N"),
        "contrabn": d.pick("Y", "N", p=[0.03, 0.97]), "sex": d.pick("M", "F", "Z", p=[0.9, 0.07,
        0.03]),
        "race": d.pick("B", "Q", "W", "P", "A"), "dob": ["12311900"] * d.n,
        "age": d.whole(12, 80), "weight": d.whole(90, 300), "haircolr": d.pick("BK", "BR", "BL"),
        "arstmade": np.where(arrested == 1, "Y", "N"),
        "arstoffn": some(d.pick("CPW", "CPCS"), arrested == 1),
        "xcoord": d.whole(960_000, 1_060_000),
    })  # fmt: skip
    return frame, Truth(
        "arstmade", _names("sex race age"), cluster="pct", identifiers=frozenset({"ser_num"}),
        leaks=frozenset({"arstoffn"}), meaning="bad", positive="Y",
    )  # fmt: skip


def terminated_staff() -> tuple[pl.DataFrame, Truth]:
    d = Draw(900)
    gone = d.coin(0.33)
    frame = pl.DataFrame({
        "Employee_Name": [f"Person {k}, A" for k in range(d.n)],
        "EmpID": d.rng.permutation(np.arange(10_001, 10_001 + d.n)), "Salary": d.whole(45, 250),
        "Termd": gone, "Position": d.pick("Technician", "Manager", "Analyst"),
        "State": d.pick("MA", "CT", "TX", p=[0.9, 0.05, 0.05]), "Sex": d.pick("M ", "F"),
        "MaritalDesc": d.pick("Single", "Married", "Divorced", "Widowed", "Separated"),
        "CitizenDesc": d.pick("US Citizen", "Eligible NonCitizen", "Non-Citizen"),
        "HispanicLatino": d.pick("No", "Yes"),
        "RaceDesc": d.pick("White", "Black or African American", "Asian"),
        "DateofHire": d.pick("7/5/2011", "3/30/2015"), "TermReason": some(
        d.pick("hours", "unhappy"), gone == 1),
        "EngagementSurvey": d.number(4, 0.7), "Absences": d.whole(1, 20),
    })  # fmt: skip
    return frame, Truth(
        "Termd", _names("Sex MaritalDesc CitizenDesc HispanicLatino RaceDesc"),
        identifiers=_names("Employee_Name EmpID"), leaks=frozenset({"TermReason"}),
        meaning="bad", positive="1",
    )  # fmt: skip


def staff_who_left() -> tuple[pl.DataFrame, Truth]:
    d = Draw(2000)
    frame = pl.DataFrame({
        "satisfaction_level": d.rng.random(d.n).round(2), "last_evaluation": d.number(0.7, 0.1),
        "number_project": d.whole(2, 7), "average_montly_hours": d.whole(96, 310),
        "time_spend_company": d.whole(2, 10), "Work_accident": d.coin(0.14), "left": d.coin(0.24),
        "promotion_last_5years": d.coin(0.02), "sales": d.pick("IT", "RandD", "hr"),
        "salary": d.pick("low", "medium", "high"),
    })  # fmt: skip
    return frame, Truth("left", frozenset(), meaning="bad", positive="1")


def child_welfare() -> tuple[pl.DataFrame, Truth]:
    d = Draw(2000)
    y = d.coin(0.15)
    score = np.clip(np.round(10 + 5 * y + d.number(0, 4)), 1, 20).astype(int)
    frame = pl.DataFrame({
        "referral_id": [f"R-{k:06d}" for k in range(d.n)], "child_age": d.whole(0, 17),
        "child_race": d.pick("Black", "White", "Other"), "child_sex": d.pick("Female", "Male"),
        "county_office": d.pick(*(f"Office {k}" for k in range(14))),
        "prior_referrals": d.whole(0, 9), "public_benefits": d.pick("yes", "no"),
        "screening_score": score, "screened_in": (score > 13).astype(int),
        "substantiated": y,
    })  # fmt: skip
    return frame, Truth(
        "substantiated", _names("child_age child_race child_sex"),
        identifiers=frozenset({"referral_id"}), scores=frozenset({"screening_score"}),
        predictions=frozenset({"screened_in"}), meaning="bad", positive="1",
        free=frozenset({"county_office"}),
    )  # fmt: skip


def tenant_screening() -> tuple[pl.DataFrame, Truth]:
    d = Draw()
    y = d.coin(0.15)
    frame = pl.DataFrame({
        "application_id": np.arange(880_000, 880_000 + d.n), "move_in_date": ["2023-05-01"] * d.n,
        "race_ethnicity": d.pick("Black or African American", "White", "Hispanic or Latino"),
        "gender": d.pick("Female", "Male"), "age": d.whole(19, 80),
        "source_of_income": d.pick("wages", "housing voucher", "retirement"),
        "monthly_rent": d.whole(700, 3000), "credit_score": d.whole(400, 820),
        "prior_evictions": d.whole(0, 2), "screening_score": np.clip(
        d.near(y, 0.7) * 200 + 500, 300, 850),
        "recommendation": np.where(d.near(y, 0.7) > 0.6, "decline", "accept"), "evicted": y,
    })  # fmt: skip
    return frame, Truth(
        "evicted", _names("race_ethnicity gender age"), identifiers=frozenset({"application_id"}),
        scores=frozenset({"screening_score"}), predictions=frozenset({"recommendation"}),
        meaning="bad", positive="1",
    )  # fmt: skip


def benefit_checks() -> tuple[pl.DataFrame, Truth]:
    d = Draw()
    signalled = d.coin(0.3) == 1
    frame = pl.DataFrame({
        "num_allocataire": d.rng.choice(np.arange(1_000_000, 9_999_999), d.n, replace=False),
        "sexe": d.pick("F", "H"), "age": d.whole(19, 78),
        "nationalite": d.pick("Française", "UE", "Hors UE"),
        "departement": d.pick("13", "59", "75", "2A"),
        "situation_familiale": d.pick("célibataire", "marié(e)", "divorcé(e)", "veuf(ve)"),
        "parent_isole": d.pick("oui", "non"), "nb_enfants": d.whole(0, 5),
        "handicap_aah": d.pick("oui", "non"), "revenu_mensuel": d.number(1300, 400),
        "score_risque": d.rng.random(d.n).round(3), "signale_pour_controle": np.where(
        signalled, "oui", "non"),
        "resultat_controle": some(d.pick("indu", "conforme"), signalled),
    })  # fmt: skip
    return frame, Truth(
        "resultat_controle",
        _names("sexe age nationalite situation_familiale parent_isole handicap_aah"),
        identifiers=frozenset({"num_allocataire"}), scores=frozenset({"score_risque"}),
        predictions=frozenset({"signale_pour_controle"}), meaning="bad", positive="indu",
    )  # fmt: skip


def dutch_benefits() -> tuple[pl.DataFrame, Truth]:
    d = Draw()
    frame = pl.DataFrame({
        "klantnummer": d.rng.permutation(np.arange(50_000, 50_000 + 3 * d.n))[: d.n],
        "geslacht": d.pick("man", "vrouw"), "leeftijd": d.whole(18, 67),
        "nationaliteit": d.pick("Nederlandse", "Turkse", "Marokkaanse", "Syrische"),
        "burgerlijke_staat": d.pick("gehuwd", "ongehuwd", "gescheiden"),
        "aantal_kinderen": d.whole(0, 5), "wijk": d.pick(*(f"Wijk {k}" for k in range(6))),
        "risicoscore": d.rng.random(d.n).round(3), "fraude": d.pick("ja", "nee", p=[0.1, 0.9]),
    })  # fmt: skip
    return frame, Truth(
        "fraude", _names("geslacht leeftijd nationaliteit burgerlijke_staat"),
        identifiers=frozenset({"klantnummer"}), scores=frozenset({"risicoscore"}),
        meaning="bad", positive="ja",
    )  # fmt: skip


def polish_hiring() -> tuple[pl.DataFrame, Truth]:
    d = Draw()
    frame = pl.DataFrame({
        "płeć": d.pick("K", "M"), "wiek": d.whole(18, 65),
        "obywatelstwo": d.pick("polskie", "ukraińskie", "białoruskie"),
        "stan_cywilny": d.pick("żonaty", "panna", "rozwiedziony", "wdowa"),
        "niepełnosprawność": d.pick("tak", "nie", p=[0.1, 0.9]),
        "doświadczenie_lata": d.whole(0, 30), "wykształcenie": d.pick("średnie", "wyższe"),
        "data_aplikacji": [f"{k % 28 + 1:02d}.{k % 12 + 1:02d}.2024" for k in range(d.n)],
        "zatrudniony": d.pick("tak", "nie"),
    })  # fmt: skip
    return frame, Truth(
        "zatrudniony", _names("płeć wiek obywatelstwo stan_cywilny niepełnosprawność"),
        meaning="good", positive="tak",
    )  # fmt: skip


def italian_credit() -> tuple[pl.DataFrame, Truth]:
    d = Draw()
    frame = pl.DataFrame({
        "codice_cliente": np.arange(d.n) * 7 + 1003, "sesso": d.pick("uomo", "donna"),
        "età": d.whole(18, 80), "cittadinanza": d.pick("italiana", "rumena", "marocchina"),
        "stato_civile": d.pick("celibe/nubile", "coniugato/a", "vedovo/a"),
        "reddito": d.whole(9, 90) * 1000, "importo": d.whole(1, 50) * 500,
        "insolvente": d.pick("sì", "no", p=[0.2, 0.8]),
    })  # fmt: skip
    return frame, Truth(
        "insolvente", _names("sesso età cittadinanza stato_civile"),
        identifiers=frozenset({"codice_cliente"}), meaning="bad", positive="sì",
    )  # fmt: skip


def swedish_hiring() -> tuple[pl.DataFrame, Truth]:
    d = Draw()
    frame = pl.DataFrame({
        "ansökningsnummer": np.arange(4001, 4001 + d.n), "kön": d.pick("kvinna", "man"),
        "ålder": d.whole(18, 65), "födelseland": d.pick("Sverige", "Syrien", "Finland"),
        "civilstånd": d.pick("gift", "ogift", "skild"),
        "utbildning": d.pick("gymnasium", "högskola"),
        "arbetslivserfarenhet": d.whole(0, 30), "anställd": d.pick("ja", "nej"),
    })  # fmt: skip
    return frame, Truth(
        "anställd", _names("kön ålder födelseland civilstånd"),
        identifiers=frozenset({"ansökningsnummer"}), meaning="good", positive="ja",
    )  # fmt: skip


def chinese_credit() -> tuple[pl.DataFrame, Truth]:
    d = Draw()
    frame = pl.DataFrame({
        "性别": d.pick("男", "女"), "年龄": d.whole(18, 70),
        "民族": d.pick("汉族", "回族", "维吾尔族"),
        "婚姻状况": d.pick("已婚", "未婚", "离异"), "月收入": d.whole(3, 40) * 1000,
        "贷款金额": d.whole(1, 90) * 1000, "是否违约": d.coin(0.2),
    })  # fmt: skip
    return frame, Truth("是否违约", _names("性别 年龄 民族 婚姻状况"), meaning="bad", positive="1")


def loan_applications() -> tuple[pl.DataFrame, Truth]:
    d = Draw(614)
    frame = pl.DataFrame({
        "Loan_ID": [f"LP{k:06d}" for k in range(d.n)], "Gender": d.pick("Male", "Female"),
        "Married": d.pick("Yes", "No"), "Dependents": d.pick("0", "1", "2", "3+"),
        "Education": d.pick("Graduate", "Not Graduate"), "Self_Employed": d.pick("Yes", "No"),
        "ApplicantIncome": d.whole(150, 81_000), "CoapplicantIncome": d.number(1600, 400),
        "LoanAmount": d.whole(9, 700), "Loan_Amount_Term": d.pick(360, 180, 480),
        "Credit_History": d.coin(0.85), "Property_Area": d.pick("Urban", "Rural", "Semiurban"),
        "Loan_Status": d.pick("Y", "N"),
    })  # fmt: skip
    return frame, Truth(
        "Loan_Status", _names("Gender Married"), identifiers=frozenset({"Loan_ID"}),
        meaning="good", positive="Y",
    )  # fmt: skip


def medical_charges() -> tuple[pl.DataFrame, Truth]:
    d = Draw(1338)
    frame = pl.DataFrame({
        "age": d.whole(18, 64), "sex": d.pick("female", "male"), "bmi": d.number(30, 6),
        "children": d.whole(0, 5), "smoker": d.pick("yes", "no", p=[0.2, 0.8]),
        "region": d.pick("southwest", "southeast", "northwest", "northeast"),
        "charges": np.abs(d.number(13_000, 9000)),
    })  # fmt: skip
    return frame, Truth("charges", _names("age sex"), meaning="bad")


def health_survey() -> tuple[pl.DataFrame, Truth]:
    d = Draw(3000)
    frame = pl.DataFrame({
        "Diabetes_binary": d.coin(0.15).astype(float), "HighBP": d.coin(), "HighChol": d.coin(),
        "BMI": d.whole(12, 60), "Smoker": d.coin(), "Stroke": d.coin(0.04),
        "HeartDiseaseorAttack": d.coin(0.1), "PhysActivity": d.coin(0.7), "Fruits": d.coin(),
        "AnyHealthcare": d.coin(0.95), "NoDocbcCost": d.coin(0.1), "GenHlth": d.whole(1, 5),
        "MentHlth": d.whole(0, 30), "DiffWalk": d.coin(0.2), "Sex": d.coin(),
        "Age": d.whole(1, 13), "Education": d.whole(1, 6), "Income": d.whole(1, 8),
    })  # fmt: skip
    return frame, Truth("Diabetes_binary", _names("Sex Age"), meaning="bad", positive="1")


def callbacks() -> tuple[pl.DataFrame, Truth]:
    d = Draw(2400)
    frame = pl.DataFrame({
        "job_city": d.pick("Boston", "Chicago"),
        "job_industry": d.pick("trade", "health", "other"),
        "received_callback": d.coin(0.08),
        "firstname": d.pick("Emily", "Lakisha", "Greg", "Jamal"),
        "race": d.pick("black", "white"), "gender": d.pick("f", "m"),
        "years_college": d.whole(0, 4), "college_degree": d.coin(), "honors": d.coin(0.05),
        "years_experience": d.whole(1, 40), "resume_quality": d.pick("low", "high"),
    })  # fmt: skip
    return frame, Truth(
        "received_callback", _names("race gender"), meaning="good", positive="1",
        free=frozenset({"firstname"}),
    )  # fmt: skip


def german_applicants_for_credit() -> tuple[pl.DataFrame, Truth]:
    d = Draw(1000)
    frame = pl.DataFrame({
        "column_1": np.arange(d.n), "Age": d.whole(19, 75), "Sex": d.pick("male", "female"),
        "Job": d.whole(0, 3), "Housing": d.pick("own", "free", "rent"),
        "Saving accounts": d.pick("little", "moderate", None),
        "Credit amount": d.whole(250, 18_000),
        "Duration": d.whole(4, 72), "Purpose": d.pick("car", "radio/TV", "education"),
        "Risk": d.pick("good", "bad", p=[0.7, 0.3]),
    })  # fmt: skip
    return frame, Truth(
        "Risk", _names("Age Sex"), identifiers=frozenset({"column_1"}), meaning="good",
        positive="good",
    )  # fmt: skip


def heart_patients() -> tuple[pl.DataFrame, Truth]:
    d = Draw(303)
    frame = pl.DataFrame({
        "age": d.whole(29, 77), "sex": d.coin(), "cp": d.whole(0, 3), "trestbps": d.whole(94, 200),
        "chol": d.whole(126, 564), "fbs": d.coin(0.15), "restecg": d.whole(0, 2),
        "thalach": d.whole(71, 202), "exang": d.coin(), "oldpeak": d.number(1, 0.4, 1),
        "slope": d.whole(0, 2), "ca": d.whole(0, 4), "thal": d.whole(0, 3), "target": d.coin(),
    })  # fmt: skip
    return frame, Truth("target", _names("age sex"), positive="1", meaning="neutral")


def traffic_stops() -> tuple[pl.DataFrame, Truth]:
    d = Draw(2500)
    searched = d.coin(0.2) == 1
    frame = pl.DataFrame({
        "raw_row_number": np.arange(1, d.n + 1), "date": ["2015-03-01", "2015-04-01"] * (d.n // 2),
        "county_name": d.pick(*(f"County {k}" for k in range(30))),
        "subject_age": d.whole(16, 85), "subject_race": d.pick("white", "black", "hispanic"),
        "subject_sex": d.pick("male", "female"), "arrest_made": d.coin(0.1) == 1,
        "contraband_found": some(d.coin(0.3), searched), "frisk_performed": d.coin(0.1) == 1,
        "vehicle_year": d.whole(1985, 2016),
    })  # fmt: skip
    return frame, Truth(
        "arrest_made", _names("subject_age subject_race subject_sex"), cluster="county_name",
        identifiers=frozenset({"raw_row_number"}), meaning="bad", positive="true",
    )  # fmt: skip


def one_hot_defendants() -> tuple[pl.DataFrame, Truth]:
    d = Draw(2000)
    race = np.array(d.pick("a", "b", "c", "d"))
    frame = pl.DataFrame({
        "Two_yr_Recidivism": d.coin(0.45), "Number_of_Priors": d.whole(0, 20),
        "score_factor": d.coin(), "Age_Above_FourtyFive": d.coin(0.2),
        "African_American": (race == "a").astype(int), "Asian": (race == "b").astype(int),
        "Hispanic": (race == "c").astype(int), "Female": d.coin(0.2), "Misdemeanor": d.coin(0.4),
    })  # fmt: skip
    return frame, Truth(
        "Two_yr_Recidivism", _names("African_American Female Age_Above_FourtyFive"),
        free=_names("Asian Hispanic score_factor"), meaning="bad", positive="1",
    )  # fmt: skip


def health_examinations() -> tuple[pl.DataFrame, Truth]:
    d = Draw(2000)
    frame = pl.DataFrame({
        "SEQN": np.arange(83_732, 83_732 + d.n), "RIAGENDR": d.whole(1, 2),
        "RIDAGEYR": d.whole(0, 80), "RIDRETH3": d.pick(1, 2, 3, 4, 6, 7),
        "DMDMARTL": d.whole(1, 6), "INDFMPIR": d.number(2, 0.5), "BMXBMI": d.number(28, 6),
        "WTMEC2YR": np.abs(d.number(30_000, 9000)), "diabetes": d.coin(0.1),
    })  # fmt: skip
    return frame, Truth(
        "diabetes", _names("RIAGENDR RIDAGEYR RIDRETH3 DMDMARTL"),
        identifiers=frozenset({"SEQN"}), meaning="bad", positive="1",
    )  # fmt: skip


def bail_hearings() -> tuple[pl.DataFrame, Truth]:
    d = Draw(2000)
    frame = pl.DataFrame({
        "case_id": [f"C{k}" for k in range(d.n)], "judge_id": d.whole(1, 40),
        "defendant_race": d.pick("Black", "White", "Hispanic"),
        "defendant_gender": d.pick("Male", "Female"), "defendant_age": d.whole(18, 70),
        "prior_fta": d.whole(0, 5), "psa_fta_score": d.whole(1, 6), "fta": d.coin(0.2),
    })  # fmt: skip
    return frame, Truth(
        "fta", _names("defendant_race defendant_gender defendant_age"), cluster="judge_id",
        identifiers=frozenset({"case_id"}), scores=frozenset({"psa_fta_score"}),
        meaning="bad", positive="1",
    )  # fmt: skip


def school_grades() -> tuple[pl.DataFrame, Truth]:
    d = Draw(2000)
    frame = pl.DataFrame({
        "pupil_id": np.arange(5, 5 + d.n), "gender": d.pick("M", "F"),
        "ethnic_group": d.pick("White British", "Black African", "Pakistani", "Indian"),
        "fsm": d.pick("Y", "N"), "ks2_score": d.whole(80, 120), "teacher_grade": d.whole(1, 9),
        "final_grade": d.whole(1, 9),
    })  # fmt: skip
    return frame, Truth(
        "final_grade", _names("gender ethnic_group"), identifiers=frozenset({"pupil_id"}),
        meaning="good",
    )  # fmt: skip


def korean_hiring() -> tuple[pl.DataFrame, Truth]:
    d = Draw()
    frame = pl.DataFrame({
        "지원번호": np.arange(1, d.n + 1), "성별": d.pick("남", "여"), "나이": d.whole(20, 60),
        "학력": d.pick("고졸", "대졸"), "AI점수": d.number(70, 10),
        "합격": d.pick("예", "아니오"),
    })  # fmt: skip
    return frame, Truth(
        "합격", _names("성별 나이"), identifiers=frozenset({"지원번호"}),
        scores=frozenset({"AI점수"}), meaning="good", positive="예",
    )  # fmt: skip


WIDER: Mapping[str, Callable[[], tuple[pl.DataFrame, Truth]]] = {
    make.__name__: make
    for make in (
        acs_employment, acs_mobility, acs_public_coverage, medical_expenditure,
        census_without_names, lending_club, home_equity, home_credit, learning_platform,
        portraits, comments_with_identities, stops_by_the_police, terminated_staff,
        staff_who_left, child_welfare, tenant_screening, benefit_checks, dutch_benefits,
        polish_hiring, italian_credit, swedish_hiring, chinese_credit, loan_applications,
        medical_charges, health_survey, callbacks, german_applicants_for_credit,
        heart_patients, traffic_stops, one_hot_defendants,
        health_examinations, bail_hearings, school_grades, korean_hiring,
    )
}  # fmt: skip

"""Tables that look like well-known ones: their column names and kinds of values, drawn at random.

Each comes with the truth that a careful person would write down: target, sensitive attributes,
cluster, unit, identifiers, scores, predictions and columns known only after the outcome.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from tests.data.lookalike import Draw, N, Truth, some


def bank_marketing() -> tuple[pl.DataFrame, Truth]:
    d = Draw()
    y = d.coin(0.2)
    frame = pl.DataFrame({
        "age": d.whole(18, 95), "job": d.pick(*["admin.", "blue-collar", "technician",
        "services", "management", "retired", "entrepreneur", "self-employed", "housemaid",
        "unemployed", "student", "unknown"]),
        "marital": d.pick("married", "single", "divorced"),
        "education": d.pick("primary", "secondary", "tertiary", "unknown"),
        "default": d.yes_no(0.02), "balance": d.whole(-2000, 20000), "housing": d.yes_no(),
        "loan": d.yes_no(0.2), "contact": d.pick("cellular", "telephone", "unknown"),
        "day": d.whole(1, 31), "month": d.pick(*["jan", "feb", "mar", "apr", "may", "jun",
        "jul", "aug"]),
        "duration": np.maximum(5, 200 + 250 * y + d.number(0, 180, 0)).astype(int),
        "campaign": d.whole(1, 12), "pdays": d.whole(-1, 300), "previous": d.whole(0, 8),
        "poutcome": d.pick("unknown", "failure", "other", "success", p=[0.8, 0.1, 0.05, 0.05]),
        "y": np.where(y == 1, "yes", "no"),
    })  # fmt: skip
    return frame, Truth("y", frozenset({"age", "marital"}), leaks=frozenset({"duration"}))


def credit_card_default() -> tuple[pl.DataFrame, Truth]:
    d = Draw()
    y = d.coin(0.22)
    frame = pl.DataFrame({
        "ID": np.arange(1, N + 1), "LIMIT_BAL": d.whole(1, 80) * 10000, "SEX": d.whole(1, 2),
        "EDUCATION": d.whole(0, 6), "MARRIAGE": d.whole(0, 3), "AGE": d.whole(21, 75),
        **{f"PAY_{i}": np.clip(d.whole(-2, 3) + (i == 0) * y, -2, 8) for i in (0, 2, 3, 4)},
        **{f"BILL_AMT{i}": d.whole(-1000, 90000) for i in range(1, 5)},
        **{f"PAY_AMT{i}": d.whole(0, 20000) for i in range(1, 5)},
        "default.payment.next.month": y,
    })  # fmt: skip
    return frame, Truth(
        "default.payment.next.month",
        frozenset({"SEX", "MARRIAGE", "AGE"}),
        identifiers=frozenset({"ID"}),
    )


def student_performance() -> tuple[pl.DataFrame, Truth]:
    d = Draw(649)
    g3 = np.clip(d.number(11, 3.5, 0), 0, 20).astype(int)
    g2 = np.clip(g3 + d.whole(-1, 1), 0, 20)
    frame = pl.DataFrame({
        "school": d.pick("GP", "MS"), "sex": d.pick("F", "M"), "age": d.whole(15, 22),
        "address": d.pick("U", "R"), "famsize": d.pick("GT3", "LE3"), "Pstatus": d.pick("T", "A"),
        "Medu": d.whole(0, 4), "Fedu": d.whole(0, 4),
        "Mjob": d.pick("teacher", "health", "services", "at_home", "other"),
        "Fjob": d.pick("teacher", "health", "services", "at_home", "other"),
        "reason": d.pick("course", "other", "home", "reputation"),
        "guardian": d.pick("mother", "father", "other"), "traveltime": d.whole(1, 4),
        "studytime": d.whole(1, 4), "failures": d.whole(0, 3), "schoolsup": d.yes_no(),
        "famsup": d.yes_no(), "paid": d.yes_no(), "activities": d.yes_no(), "higher": d.yes_no(),
        "internet": d.yes_no(), "romantic": d.yes_no(), "famrel": d.whole(1, 5),
        "freetime": d.whole(1, 5), "goout": d.whole(1, 5), "Dalc": d.whole(1, 5),
        "health": d.whole(1, 5), "absences": d.whole(0, 30),
        "G1": np.clip(g2 + d.whole(-2, 2), 0, 20), "G2": g2, "G3": g3,
    })  # fmt: skip
    return frame, Truth(
        "G3", frozenset({"sex", "age"}), leaks=frozenset({"G1", "G2"}), free=frozenset({"school"})
    )


def diabetes_hospitals() -> tuple[pl.DataFrame, Truth]:
    d = Draw(3000)
    patient = d.rng.choice(np.arange(10_000, 90_000_000, 31), 2400)[d.rng.integers(0, 2400, d.n)]
    frame = pl.DataFrame({
        "encounter_id": d.rng.permutation(np.arange(2_000_000, 2_000_000 + 7 * d.n, 7)),
        "patient_nbr": patient,
        "race": d.pick("Caucasian", "AfricanAmerican", "Hispanic", "Asian", "Other", None),
        "gender": d.pick("Female", "Male"),
        "age": d.pick(*(f"[{a}-{a + 10})" for a in range(0, 100, 10))),
        "weight": d.pick(None, "[75-100)", "[50-75)", p=[0.96, 0.02, 0.02]),
        "admission_type_id": d.whole(1, 8), "discharge_disposition_id": d.whole(1, 28),
        "admission_source_id": d.whole(1, 20), "time_in_hospital": d.whole(1, 14),
        "payer_code": d.pick("MC", "HM", "SP", "BC", None),
        "medical_specialty": d.pick(None, "InternalMedicine", "Cardiology", "Surgery-General"),
        "num_lab_procedures": d.whole(1, 120), "num_procedures": d.whole(0, 6),
        "num_medications": d.whole(1, 70), "number_outpatient": d.whole(0, 10),
        "number_inpatient": d.whole(0, 10), "diag_1": d.pick(*(str(k) for k in range(250, 460))),
        "number_diagnoses": d.whole(1, 16), "max_glu_serum": d.pick("None", ">200", "Norm"),
        "A1Cresult": d.pick("None", ">7", ">8", "Norm"), "metformin": d.pick("No", "Steady", "Up"),
        "examide": ["No"] * d.n, "insulin": d.pick("No", "Steady", "Up", "Down"),
        "change": d.pick("Ch", "No"), "diabetesMed": d.pick("Yes", "No"),
        "readmitted": d.pick("NO", ">30", "<30", p=[0.54, 0.35, 0.11]),
    })  # fmt: skip
    return frame, Truth(
        "readmitted",
        frozenset({"race", "gender", "age"}),
        unit="patient_nbr",
        identifiers=frozenset({"encounter_id"}),
    )


def acs_income() -> tuple[pl.DataFrame, Truth]:
    d = Draw(2000)
    frame = pl.DataFrame({
        "AGEP": d.whole(17, 94), "COW": d.whole(1, 8), "SCHL": d.whole(1, 24),
        "MAR": d.whole(1, 5), "OCCP": d.whole(10, 9800), "POBP": d.whole(1, 200),
        "RELP": d.whole(0, 17), "WKHP": d.whole(1, 99), "SEX": d.whole(1, 2),
        "RAC1P": d.whole(1, 9), "ST": [6] * d.n, "PWGTP": d.whole(1, 300),
        "PINCP": d.whole(0, 200_000),
    })  # fmt: skip
    sensitive = frozenset({"AGEP", "MAR", "SEX", "RAC1P"})
    return frame, Truth("PINCP", sensitive, free=frozenset({"PWGTP", "ST"}))


def ipums_census() -> tuple[pl.DataFrame, Truth]:
    d = Draw(2000)
    frame = pl.DataFrame({
        "YEAR": [2019] * d.n, "SERIAL": d.rng.permutation(d.n * 3)[: d.n],
        "STATEFIP": d.whole(1, 56), "PERWT": d.whole(1, 200), "SEX": d.whole(1, 2),
        "AGE": d.whole(16, 90), "MARST": d.whole(1, 6), "RACE": d.whole(1, 9),
        "HISPAN": d.whole(0, 4), "CITIZEN": d.whole(0, 3), "EDUC": d.whole(0, 11),
        "EMPSTAT": d.whole(1, 3), "UHRSWORK": d.whole(0, 99), "INCWAGE": d.whole(0, 300_000),
        "employed": d.coin(0.6),
    })  # fmt: skip
    return frame, Truth(
        "employed",
        frozenset({"SEX", "AGE", "MARST", "RACE", "HISPAN", "CITIZEN"}),
        cluster="STATEFIP",
        free=frozenset({"SERIAL"}),
    )


def dutch_census() -> tuple[pl.DataFrame, Truth]:
    d = Draw(2000)
    frame = pl.DataFrame({
        "sex": d.whole(1, 2), "age": d.whole(4, 15), "household_position": d.pick(1110, 1121, 1122,
        1131, 1210), "household_size": d.pick(111, 112, 113, 125),
        "prev_residence_place": d.whole(1, 2), "citizenship": d.whole(1, 3),
        "country_birth": d.whole(1, 3), "edu_level": d.whole(0, 5),
        "economic_status": d.pick(111, 112, 120), "cur_eco_activity": d.whole(111, 138),
        "Marital_status": d.whole(1, 4), "occupation": d.coin(0.48),
    })  # fmt: skip
    sensitive = frozenset({"sex", "age", "citizenship", "country_birth", "Marital_status"})
    return frame, Truth("occupation", sensitive)


def open_university() -> tuple[pl.DataFrame, Truth]:
    d = Draw(2500)
    student = d.rng.choice(np.arange(6516, 2_700_000, 97), 2200)[d.rng.integers(0, 2200, d.n)]
    result = d.pick("Pass", "Withdrawn", "Fail", "Distinction", p=[0.4, 0.3, 0.2, 0.1])
    frame = pl.DataFrame({
        "code_module": d.pick(*["AAA", "BBB", "CCC", "DDD", "EEE", "FFF", "GGG"]),
        "code_presentation": d.pick("2013J", "2014J", "2013B", "2014B"), "id_student": student,
        "gender": d.pick("M", "F"),
        "region": d.pick(*(f"{r} Region" for r in ["East", "Scotland", "London", "Wales",
        "South", "West", "North", "Ireland", "Midlands", "Yorkshire", "Anglian", "Thames",
        "Kent"])),
        "highest_education": d.pick("HE Qualification", "A Level or Equivalent", "Lower Than A"),
        "imd_band": d.pick(*(f"{a}-{a + 10}%" for a in range(0, 100, 10)), None),
        "age_band": d.pick("0-35", "35-55", "55<="), "num_of_prev_attempts": d.whole(0, 6),
        "studied_credits": d.whole(1, 20) * 30, "disability": d.pick("Y", "N", p=[0.1, 0.9]),
        "date_registration": d.whole(-300, 20),
        "date_unregistration": some(d.whole(-200, 200), np.array(result) == "Withdrawn"),
        "final_result": result,
    })  # fmt: skip
    return frame, Truth(
        "final_result",
        frozenset({"gender", "age_band", "disability", "imd_band"}),
        unit="id_student",
        leaks=frozenset({"date_unregistration"}),
    )


def mortgages() -> tuple[pl.DataFrame, Truth]:
    d = Draw(2000)
    granted = d.coin(0.75)
    action = np.where(granted == 1, 1, 3)
    frame = pl.DataFrame({
        "activity_year": [2022] * d.n, "lei": d.pick(*(f"5493{k:04d}ABCD" for k in range(40))),
        "state_code": ["IL"] * d.n, "county_code": d.whole(17001, 17100),
        "derived_ethnicity": d.pick("Hispanic or Latino", "Not Hispanic or Latino",
        "Ethnicity Not Available"),
        "derived_race": d.pick("White", "Black or African American", "Asian",
        "Race Not Available"), "derived_sex": d.pick("Male", "Female", "Joint"),
        "action_taken": action, "purchaser_type": np.where(granted == 1, d.whole(0, 9), 0),
        "loan_type": d.whole(1, 4), "loan_purpose": d.pick(1, 2, 31, 32),
        "loan_amount": d.whole(5, 90) * 10_000 + 5000,
        "interest_rate": some(d.number(4, 0.6, 3), granted == 1),
        "property_value": d.whole(10, 99) * 10_000, "income": d.whole(20, 400),
        "debt_to_income_ratio": d.pick("<20%", "20%-<30%", "36", "41", "50%-60%"),
        "applicant_age": d.pick("25-34", "35-44", "45-54", "55-64", "65-74", "<25", ">74"),
        "applicant_sex": d.whole(1, 3), "co-applicant_sex": d.whole(1, 5),
        "denial_reason-1": np.where(granted == 1, 10, d.whole(1, 9)),
        "tract_minority_population_percent": d.number(40, 20),
        "tract_population": d.whole(900, 9000),
        "tract_median_age_of_housing_units": d.whole(5, 75),
    })  # fmt: skip
    return frame, Truth(
        "action_taken",
        frozenset({"derived_ethnicity", "derived_race", "derived_sex", "applicant_age"}),
        cluster="lei",
        leaks=frozenset({"denial_reason-1", "interest_rate"}),
        free=frozenset({"purchaser_type"}),
    )


def census_income_kdd() -> tuple[pl.DataFrame, Truth]:
    d = Draw(2500)
    universe = d.coin(0.55) == 1
    frame = pl.DataFrame({
        "age": d.whole(0, 90),
        "class of worker": np.where(universe, "Not in universe", d.pick("Private", "Federal")),
        "industry code": np.where(universe, 0, d.whole(1, 51)),
        "occupation code": np.where(universe, 0, d.whole(1, 46)),
        "education": d.pick("High school graduate", "Bachelors degree", "Some college"),
        "wage per hour": d.whole(0, 2000) * d.coin(0.1),
        "marital status": d.pick("Never married", "Divorced", "Widowed", "Separated"),
        "major industry code": d.pick("Retail trade", "Construction", "Education", "Other"),
        "major occupation code": np.where(
            universe, "Not in universe", d.pick(*(f"Occupation {k}" for k in range(14)))
        ),
        "race": d.pick("White", "Black", "Asian or Pacific Islander", "Other"),
        "hispanic origin": d.pick("All other", "Mexican-American", "Puerto Rican", "Cuban"),
        "sex": d.pick("Female", "Male"),
        "member of a labor union": d.pick("Not in universe", "No", "Yes"),
        "reason for unemployment": d.pick("Not in universe", "Job loser", "Re-entrant"),
        "capital gains": d.whole(0, 9999) * d.coin(0.05),
        "region of previous residence": d.pick(
            "Not in universe", "South", "West", "Midwest", p=[0.91, 0.03, 0.03, 0.03]
        ),
        "state of previous residence": np.where(
            d.coin(0.92) == 1, "Not in universe", d.pick(*(f"State {k}" for k in range(40)))
        ),
        "instance weight": d.number(1700, 500),
        "num persons worked for employer": d.whole(0, 6),
        "country of birth father": d.pick(*(f"Country {k}" for k in range(42))),
        "country of birth mother": d.pick(*(f"Country {k}" for k in range(42))),
        "country of birth self": d.pick(*(f"Country {k}" for k in range(42))),
        "citizenship": d.pick("Native- Born in the United States", "Foreign born- Not a citizen"),
        "weeks worked in year": d.whole(0, 52), "year": d.whole(94, 95),
        "income": d.pick("- 50000.", "50000+.", p=[0.9, 0.1]),
    })  # fmt: skip
    return frame, Truth(
        "income",
        frozenset({"age", "marital status", "race", "hispanic origin", "sex", "citizenship"}),
    )


def firefighters() -> tuple[pl.DataFrame, Truth]:
    d = Draw(118)
    oral, written = d.number(65, 12), d.number(68, 9, 0)
    combined = np.round(0.6 * written + 0.4 * oral, 3)
    frame = pl.DataFrame({
        "Race": d.pick("W", "B", "H"), "Position": d.pick("Captain", "Lieutenant"), "Oral": oral,
        "Written": written, "Combine": combined, "Promoted": (combined >= 70).astype(int),
    })  # fmt: skip
    return frame, Truth(
        "Promoted",
        frozenset({"Race"}),
        leaks=frozenset({"Combine"}),
        free=frozenset({"Written", "Oral"}),
    )


def bar_exam() -> tuple[pl.DataFrame, Truth]:
    d = Draw(2000)
    y = d.coin(0.9)
    frame = pl.DataFrame({
        "decile1b": d.whole(1, 10), "decile3": d.whole(1, 10), "lsat": d.near(y, 1, 4) + 33,
        "ugpa": d.number(3.2, 0.4, 1), "zfygpa": d.near(y, 1), "zgpa": d.near(y, 1),
        "fulltime": d.whole(1, 2), "fam_inc": d.whole(1, 5), "male": d.coin(),
        "tier": d.whole(1, 6), "racetxt": d.pick("White", "Black"), "pass_bar": y,
    })  # fmt: skip
    return frame, Truth("pass_bar", frozenset({"male", "racetxt"}))


def staff_attrition() -> tuple[pl.DataFrame, Truth]:
    d = Draw(1470)
    frame = pl.DataFrame({
        "Age": d.whole(18, 60), "Attrition": d.pick("Yes", "No", p=[0.16, 0.84]),
        "BusinessTravel": d.pick("Travel_Rarely", "Travel_Frequently", "Non-Travel"),
        "DailyRate": d.whole(100, 1500),
        "Department": d.pick("Sales", "Research & Development", "Human Resources"),
        "DistanceFromHome": d.whole(1, 29), "Education": d.whole(1, 5),
        "EducationField": d.pick("Life Sciences", "Medical", "Marketing", "Other"),
        "EmployeeCount": [1] * d.n, "EmployeeNumber": np.cumsum(d.whole(1, 3)),
        "EnvironmentSatisfaction": d.whole(1, 4), "Gender": d.pick("Male", "Female"),
        "JobRole": d.pick("Sales Executive", "Research Scientist", "Manager", "Technician"),
        "MaritalStatus": d.pick("Single", "Married", "Divorced"),
        "MonthlyIncome": d.whole(1000, 20_000), "NumCompaniesWorked": d.whole(0, 9),
        "Over18": ["Y"] * d.n, "OverTime": d.pick("Yes", "No"),
        "PercentSalaryHike": d.whole(11, 25), "PerformanceRating": d.whole(3, 4),
        "StandardHours": [80] * d.n, "TotalWorkingYears": d.whole(0, 40),
        "YearsAtCompany": d.whole(0, 40), "YearsInCurrentRole": d.whole(0, 18),
        "YearsWithCurrManager": d.whole(0, 17),
    })  # fmt: skip
    return frame, Truth(
        "Attrition",
        frozenset({"Age", "Gender", "MaritalStatus"}),
        identifiers=frozenset({"EmployeeNumber"}),
    )


def framingham() -> tuple[pl.DataFrame, Truth]:
    d = Draw()
    frame = pl.DataFrame({
        "male": d.coin(), "age": d.whole(32, 70), "education": d.whole(1, 4),
        "currentSmoker": d.coin(), "cigsPerDay": d.whole(0, 60), "BPMeds": d.coin(0.05),
        "prevalentStroke": d.coin(0.01), "prevalentHyp": d.coin(0.3), "diabetes": d.coin(0.03),
        "totChol": d.whole(110, 600), "sysBP": d.number(132, 22, 1), "diaBP": d.number(83, 12, 1),
        "BMI": d.number(25.8, 4), "heartRate": d.whole(45, 140), "glucose": d.whole(40, 390),
        "TenYearCHD": d.coin(0.15),
    })  # fmt: skip
    return frame, Truth("TenYearCHD", frozenset({"male", "age"}))


def stroke() -> tuple[pl.DataFrame, Truth]:
    d = Draw()
    frame = pl.DataFrame({
        "id": d.rng.permutation(70_000)[: d.n], "gender": d.pick("Male", "Female"),
        "age": d.whole(1, 82), "hypertension": d.coin(0.1), "heart_disease": d.coin(0.05),
        "ever_married": d.pick("Yes", "No"),
        "work_type": d.pick("Private", "Self-employed", "Govt_job", "children"),
        "Residence_type": d.pick("Urban", "Rural"), "avg_glucose_level": d.number(106, 45),
        "bmi": d.number(28, 7, 1), "smoking_status": d.pick("smokes", "never smoked", "Unknown"),
        "stroke": d.coin(0.05),
    })  # fmt: skip
    return frame, Truth(
        "stroke", frozenset({"gender", "age", "ever_married"}), identifiers=frozenset({"id"})
    )


def heart_failure() -> tuple[pl.DataFrame, Truth]:
    d = Draw(299)
    y = d.coin(0.32)
    frame = pl.DataFrame({
        "age": d.whole(40, 95), "anaemia": d.coin(), "creatinine_phosphokinase": d.whole(23, 7000),
        "diabetes": d.coin(), "ejection_fraction": d.whole(14, 80),
        "high_blood_pressure": d.coin(), "platelets": d.number(263_000, 97_000, 0),
        "serum_creatinine": d.number(1.4, 0.5), "serum_sodium": d.whole(113, 148),
        "sex": d.coin(), "smoking": d.coin(),
        "time": np.clip(150 - 75 * y + d.number(0, 55, 0), 4, 285).astype(int), "DEATH_EVENT": y,
    })  # fmt: skip
    return frame, Truth("DEATH_EVENT", frozenset({"age", "sex"}), leaks=frozenset({"time"}))


def stop_and_frisk() -> tuple[pl.DataFrame, Truth]:
    d = Draw(2000)
    arrested = d.coin(0.3)
    frame = pl.DataFrame({
        "STOP_ID": np.arange(1, d.n + 1),
        "STOP_LOCATION_PRECINCT": d.whole(1, 77), "MONTH2": d.pick("January", "March", "May"),
        "ISSUING_OFFICER_RANK": d.pick("POM", "SGT", "DT3"),
        "OFFICER_IN_UNIFORM_FLAG": d.pick("Y", "N"), "FRISKED_FLAG": d.pick("Y", "N"),
        "SUSPECT_ARRESTED_FLAG": np.where(arrested == 1, "Y", "N"),
        "SUSPECT_ARREST_OFFENSE": some(d.pick("ASSAULT", "ROBBERY", "CPW"), arrested == 1),
        "SUSPECT_REPORTED_AGE": d.whole(14, 80), "SUSPECT_SEX": d.pick("MALE", "FEMALE"),
        "SUSPECT_RACE_DESCRIPTION": d.pick("BLACK", "WHITE", "WHITE HISPANIC", "BLACK HISPANIC"),
        "SUSPECT_HEIGHT": d.number(5.7, 0.3), "SUSPECT_WEIGHT": d.whole(100, 300),
        "STOP_LOCATION_BORO_NAME": d.pick("BRONX", "BROOKLYN", "QUEENS", "MANHATTAN"),
    })  # fmt: skip
    return frame, Truth(
        "SUSPECT_ARRESTED_FLAG",
        frozenset({"SUSPECT_REPORTED_AGE", "SUSPECT_SEX", "SUSPECT_RACE_DESCRIPTION"}),
        cluster="STOP_LOCATION_PRECINCT",
        identifiers=frozenset({"STOP_ID"}),
        leaks=frozenset({"SUSPECT_ARREST_OFFENSE"}),
    )


def intensive_care() -> tuple[pl.DataFrame, Truth]:
    d = Draw(2500)
    subject = d.rng.choice(np.arange(10_000_000, 19_999_999, 977), 1700)
    died = d.coin(0.12)
    start = [datetime(2150, 1, 1) + timedelta(hours=int(h)) for h in d.whole(0, 70_000)]
    frame = pl.DataFrame({
        "subject_id": subject[d.rng.integers(0, 1700, d.n)],
        "hadm_id": d.rng.permutation(9_000_000)[: d.n] + 20_000_000,
        "gender": d.pick("M", "F"), "anchor_age": d.whole(18, 91),
        "ethnicity": d.pick("WHITE", "BLACK/AFRICAN AMERICAN", "ASIAN", "HISPANIC/LATINO"),
        "insurance": d.pick("Medicare", "Medicaid", "Other"),
        "marital_status": d.pick("MARRIED", "SINGLE", "WIDOWED", "DIVORCED", None),
        "first_careunit": d.pick("MICU", "SICU", "CCU"), "admittime": start,
        "dischtime": [t + timedelta(hours=9 * k) for k, t in enumerate(start)],
        "deathtime": some(start, died == 1),
        "heart_rate_mean": d.number(86, 15), "sofa_score": d.whole(0, 20), "los": d.number(5, 3),
        "discharge_location": np.where(died == 1, "DIED", d.pick("HOME", "SNF")),
        "hospital_expire_flag": died,
    })  # fmt: skip
    return frame, Truth(
        "hospital_expire_flag",
        frozenset({"gender", "anchor_age", "ethnicity", "marital_status", "insurance"}),
        unit="subject_id",
        identifiers=frozenset({"hadm_id"}),
        leaks=frozenset({"dischtime", "deathtime", "los", "discharge_location"}),
    )


def hiring() -> tuple[pl.DataFrame, Truth]:
    d = Draw()
    y = d.coin(0.4)
    frame = pl.DataFrame({
        "candidate_id": [f"C{k:05d}" for k in range(d.n)], "gender": d.pick("female", "male"),
        "ethnicity": d.pick("white", "black", "asian", "hispanic"), "age": d.whole(20, 64),
        "years_experience": d.whole(0, 30), "interview_score": d.whole(1, 10),
        "ai_score": np.clip(d.near(y, 0.6) / 2 + 0.3, 0, 1), "recruiter_decision": np.where(
        d.near(y, 0.8) > 0.6, "advance", "reject"), "hired": y,
    })  # fmt: skip
    return frame, Truth(
        "hired",
        frozenset({"gender", "ethnicity", "age"}),
        identifiers=frozenset({"candidate_id"}),
        scores=frozenset({"ai_score"}),
        predictions=frozenset({"recruiter_decision"}),
    )


def loans() -> tuple[pl.DataFrame, Truth]:
    d = Draw()
    y = d.coin(0.2)
    frame = pl.DataFrame({
        "loan_id": np.arange(50_001, 50_001 + d.n),
        "branch": d.pick(*(f"B{k}" for k in range(20))),
        "credit_score": d.whole(300, 850), "annual_income": d.whole(12, 250) * 1000,
        "loan_amount": d.whole(1, 60) * 1000, "account_age": d.whole(0, 40),
        "sex": d.pick("F", "M"), "nationality": d.pick("DE", "TR", "PL", "SY"),
        "risk_score": np.clip(d.near(y, 0.7) / 3 + 0.3, 0, 1),
        "recoveries": np.where(y == 1, d.whole(0, 5000), 0), "defaulted": y,
    })  # fmt: skip
    return frame, Truth(
        "defaulted",
        frozenset({"sex", "nationality"}),
        cluster="branch",
        identifiers=frozenset({"loan_id"}),
        scores=frozenset({"risk_score"}),
        leaks=frozenset({"recoveries"}),
    )


def toxicity() -> tuple[pl.DataFrame, Truth]:
    d = Draw()
    y = d.coin(0.2)
    frame = pl.DataFrame({
        "comment_id": np.arange(239_000, 239_000 + d.n),
        "comment_text": [f"this is comment number {k}, and it says something" for k in range(d.n)],
        "target_group": d.pick("muslim", "women", "lgbt", "none"),
        "annotator_id": d.whole(1, 150), "annotator_gender": d.pick("female", "male", "nonbinary"),
        "annotator_age": d.pick("18-24", "25-34", "35-44", "45+"),
        "perspective_score": np.clip(d.near(y, 0.6) / 2 + 0.2, 0, 1), "toxic": y,
    })  # fmt: skip
    return frame, Truth(
        "toxic",
        frozenset({"annotator_gender", "annotator_age"}),
        unit="annotator_id",
        identifiers=frozenset({"comment_id", "comment_text"}),
        scores=frozenset({"perspective_score"}),
        free=frozenset({"target_group"}),
    )


def german_applicants() -> tuple[pl.DataFrame, Truth]:
    d = Draw()
    y = d.coin(0.4)
    frame = pl.DataFrame({
        "Bewerbernummer": np.arange(7001, 7001 + d.n), "Geschlecht": d.pick("männlich",
        "weiblich"),
        "Alter": d.whole(18, 65), "Staatsangehörigkeit": d.pick("deutsch", "türkisch", "syrisch"),
        "Familienstand": d.pick("ledig", "verheiratet", "geschieden"),
        "Schwerbehinderung": d.pick("ja", "nein", p=[0.1, 0.9]),
        "Berufserfahrung_Jahre": d.whole(0, 40), "Abschluss": d.pick("Abitur", "Bachelor",
        "Lehre"),
        "Niederlassung": d.pick(*(f"Ort {k}" for k in range(15))),
        "KI_Punktzahl": d.near(y, 0.7, 30) + 50, "Empfehlung": np.where(
        d.near(y, 0.8) > 0.5, "ja", "nein"), "Eingestellt": np.where(y == 1, "ja", "nein"),
    })  # fmt: skip
    return frame, Truth(
        "Eingestellt",
        frozenset(
            {"Geschlecht", "Alter", "Staatsangehörigkeit", "Familienstand", "Schwerbehinderung"}
        ),
        cluster="Niederlassung",
        identifiers=frozenset({"Bewerbernummer"}),
        scores=frozenset({"KI_Punktzahl"}),
        predictions=frozenset({"Empfehlung"}),
    )


def spanish_credit() -> tuple[pl.DataFrame, Truth]:
    d = Draw()
    y = d.coin(0.3)
    frame = pl.DataFrame({
        "id_cliente": np.arange(d.n) * 3 + 11, "género": d.pick("Masculino", "Femenino"),
        "edad": d.whole(18, 80), "estado_civil": d.pick("soltero", "casado", "divorciado"),
        "nacionalidad": d.pick("ES", "MA", "RO", "CO"), "ingresos": d.whole(9, 90) * 1000,
        "provincia": d.pick(*(f"Provincia {k}" for k in range(30))),
        "importe": d.whole(1, 50) * 500, "impago": np.where(y == 1, "sí", "no"),
    })  # fmt: skip
    return frame, Truth(
        "impago",
        frozenset({"género", "edad", "estado_civil", "nacionalidad"}),
        cluster="provincia",
        identifiers=frozenset({"id_cliente"}),
    )


def french_hiring() -> tuple[pl.DataFrame, Truth]:
    d = Draw()
    y = d.coin(0.5)
    frame = pl.DataFrame({
        "sexe": d.pick("homme", "femme"), "âge": d.whole(18, 65),
        "nationalité": d.pick("française", "UE", "hors UE"),
        "état civil": d.pick("marié", "célibataire", "divorcé"),
        "handicap": d.pick("oui", "non", p=[0.1, 0.9]), "diplôme": d.pick("bac", "licence",
        "master"),
        "ancienneté": d.whole(0, 30), "établissement": d.pick(*(f"E{k}" for k in range(12))),
        "embauché": np.where(y == 1, "oui", "non"),
    })  # fmt: skip
    return frame, Truth(
        "embauché",
        frozenset({"sexe", "âge", "nationalité", "état civil", "handicap"}),
        cluster="établissement",
    )


def portuguese_admissions() -> tuple[pl.DataFrame, Truth]:
    d = Draw()
    frame = pl.DataFrame({
        "sexo": d.pick("F", "M"), "idade": d.whole(17, 60),
        "raça": d.pick("branca", "parda", "preta", "amarela", "indígena"),
        "deficiência": d.pick("sim", "não", p=[0.05, 0.95]), "renda": d.whole(1, 20),
        "nota_enem": d.number(550, 90, 1), "escola": d.pick(*(f"Escola {k}" for k in range(25))),
        "aprovado": d.pick("sim", "não"),
    })  # fmt: skip
    return frame, Truth(
        "aprovado", frozenset({"sexo", "idade", "raça", "deficiência"}), cluster="escola"
    )


def bank_churn() -> tuple[pl.DataFrame, Truth]:
    d = Draw()
    y = d.coin(0.2)
    frame = pl.DataFrame({
        "RowNumber": np.arange(1, d.n + 1),
        "CustomerId": d.rng.permutation(15_700_000 + np.arange(9 * d.n))[: d.n],
        "Surname": [f"Name{k % 700}" for k in range(d.n)], "CreditScore": d.whole(350, 850),
        "Geography": d.pick("France", "Germany", "Spain"), "Gender": d.pick("Female", "Male"),
        "Age": d.whole(18, 92), "Tenure": d.whole(0, 10), "Balance": d.number(76_000, 62_000),
        "NumOfProducts": d.whole(1, 4), "HasCrCard": d.coin(0.7), "IsActiveMember": d.coin(),
        "EstimatedSalary": d.number(100_000, 57_000), "Complain": np.where(d.coin(0.01), 1 - y, y),
        "Exited": y,
    })  # fmt: skip
    return frame, Truth(
        "Exited",
        frozenset({"Gender", "Age"}),
        identifiers=frozenset({"RowNumber", "CustomerId"}),
        leaks=frozenset({"Complain"}),
        free=frozenset({"Surname"}),
    )


def telephone_churn() -> tuple[pl.DataFrame, Truth]:
    d = Draw()
    y = d.coin(0.27)
    frame = pl.DataFrame({
        "customerID": [f"{k:04d}-ABC{k % 9}" for k in range(d.n)],
        "gender": d.pick("Female", "Male"), "SeniorCitizen": d.coin(0.16),
        "Partner": d.pick("Yes", "No"), "Dependents": d.pick("Yes", "No"),
        "tenure": d.whole(0, 72), "Contract": d.pick("Month-to-month", "One year", "Two year"),
        "PaymentMethod": d.pick("Electronic check", "Mailed check", "Bank transfer"),
        "MonthlyCharges": d.number(65, 30), "TotalCharges": d.number(2280, 2200),
        "Churn Reason": some(d.pick("Competitor", "Price", "Moved"), y == 1),
        "Churn": np.where(y == 1, "Yes", "No"),
    })  # fmt: skip
    return frame, Truth(
        "Churn",
        frozenset({"gender", "SeniorCitizen"}),
        identifiers=frozenset({"customerID"}),
        leaks=frozenset({"Churn Reason"}),
    )


def promotions() -> tuple[pl.DataFrame, Truth]:
    d = Draw()
    frame = pl.DataFrame({
        "employee_id": d.rng.permutation(80_000)[: d.n],
        "department": d.pick(*["Sales", "Operations", "Technology", "Analytics", "Procurement",
        "Finance", "HR"]),
        "region": d.pick(*(f"region_{k}" for k in range(34))),
        "education": d.pick("Bachelor's", "Master's & above", "Below Secondary"),
        "gender": d.pick("f", "m"), "recruitment_channel": d.pick("sourcing", "other", "referred"),
        "no_of_trainings": d.whole(1, 10), "age": d.whole(20, 60),
        "previous_year_rating": d.whole(1, 5), "length_of_service": d.whole(1, 37),
        "awards_won?": d.coin(0.02), "avg_training_score": d.whole(39, 99),
        "is_promoted": d.coin(0.09),
    })  # fmt: skip
    return frame, Truth(
        "is_promoted",
        frozenset({"gender", "age"}),
        cluster="department",
        identifiers=frozenset({"employee_id"}),
    )


def recruitment_decisions() -> tuple[pl.DataFrame, Truth]:
    """Decisions without an outcome."""
    d = Draw()
    frame = pl.DataFrame({
        "Id": [f"x{k}" for k in range(d.n)], "gender": d.pick("male", "female", "other"),
        "age": d.whole(21, 32), "nationality": d.pick("Dutch", "Belgian", "German"),
        "sport": d.pick("Golf", "Rugby", "Chess"), "ind-university_grade": d.whole(48, 78),
        "ind-languages": d.whole(0, 3), "decision": d.coin(0.4) == 1,
    })  # fmt: skip
    return frame, Truth(
        None,
        frozenset({"gender", "age", "nationality"}),
        identifiers=frozenset({"Id"}),
        predictions=frozenset({"decision"}),
    )


def delinquency() -> tuple[pl.DataFrame, Truth]:
    d = Draw()
    frame = pl.DataFrame({
        "": np.arange(1, d.n + 1), "SeriousDlqin2yrs": d.coin(0.1),
        "RevolvingUtilizationOfUnsecuredLines": np.abs(d.number(0.3, 0.3, 4)),
        "age": d.whole(21, 95), "NumberOfTime30-59DaysPastDueNotWorse": d.whole(0, 13),
        "DebtRatio": np.abs(d.number(0.4, 0.3, 4)), "MonthlyIncome": d.whole(0, 20_000),
        "NumberOfOpenCreditLinesAndLoans": d.whole(0, 40), "NumberOfDependents": d.whole(0, 10),
    }).rename({"": "column_1"})  # fmt: skip
    return frame, Truth(
        "SeriousDlqin2yrs", frozenset({"age"}), identifiers=frozenset({"column_1"})
    )


def titanic() -> tuple[pl.DataFrame, Truth]:
    d = Draw(891)
    y = d.coin(0.38)
    frame = pl.DataFrame({
        "PassengerId": np.arange(1, d.n + 1), "Survived": y, "Pclass": d.whole(1, 3),
        "Name": [f"Person, Mr. {k}" for k in range(d.n)], "Sex": d.pick("male", "female"),
        "Age": d.whole(1, 80), "SibSp": d.whole(0, 8), "Parch": d.whole(0, 6),
        "Ticket": [f"A/{k % 680}" for k in range(d.n)], "Fare": d.number(32, 20),
        "Cabin": some(np.array([f"C{k % 147}" for k in range(d.n)]), d.coin(0.23) == 1),
        "Embarked": d.pick("S", "C", "Q"),
    })  # fmt: skip
    return frame, Truth(
        "Survived",
        frozenset({"Sex", "Age"}),
        identifiers=frozenset({"PassengerId", "Name"}),
        free=frozenset({"Ticket"}),
    )


def dropout() -> tuple[pl.DataFrame, Truth]:
    d = Draw()
    frame = pl.DataFrame({
        "Marital status": d.whole(1, 6), "Application mode": d.whole(1, 57),
        "Application order": d.whole(0, 9), "Course": d.pick(33, 171, 8014, 9003),
        "Nacionality": d.pick(1, 2, 6, 41, p=[0.9, 0.04, 0.03, 0.03]),
        "Mother's qualification": d.whole(1, 44), "Displaced": d.coin(),
        "Educational special needs": d.coin(0.02), "Debtor": d.coin(0.1),
        "Tuition fees up to date": d.coin(0.9), "Gender": d.coin(),
        "Scholarship holder": d.coin(0.25), "Age at enrollment": d.whole(17, 70),
        "Curricular units 1st sem (approved)": d.whole(0, 26),
        "Unemployment rate": d.number(11, 2),
        "Target": d.pick("Dropout", "Enrolled", "Graduate"),
    })  # fmt: skip
    return frame, Truth(
        "Target",
        frozenset(
            {"Marital status", "Nacionality", "Educational special needs", "Gender",
             "Age at enrollment"}
        ),
    )  # fmt: skip


def cardio() -> tuple[pl.DataFrame, Truth]:
    d = Draw()
    frame = pl.DataFrame({
        "id": np.arange(d.n) * 2, "age": d.whole(10_800, 23_700), "gender": d.whole(1, 2),
        "height": d.whole(140, 200), "weight": d.whole(45, 140), "ap_hi": d.whole(90, 180),
        "cholesterol": d.whole(1, 3), "gluc": d.whole(1, 3), "smoke": d.coin(0.1),
        "alco": d.coin(0.05), "active": d.coin(0.8), "cardio": d.coin(),
    })  # fmt: skip
    return frame, Truth("cardio", frozenset({"age", "gender"}), identifiers=frozenset({"id"}))


def panel_of_employees() -> tuple[pl.DataFrame, Truth]:
    d = Draw(2000)
    frame = pl.DataFrame({
        "emp_id": np.repeat(np.arange(1000, 1400), 5), "year": np.tile(np.arange(2018, 2023), 400),
        "gender": d.pick("F", "M"), "age_group": d.pick("<30", "30-49", "50+"),
        "disability_status": d.pick("None", "Disabled", p=[0.93, 0.07]),
        "salary": d.whole(25, 180) * 1000, "rating": d.whole(1, 5), "promoted": d.coin(0.1),
    })  # fmt: skip
    return frame, Truth(
        "promoted", frozenset({"gender", "age_group", "disability_status"}), unit="emp_id"
    )


def without_a_header() -> tuple[pl.DataFrame, Truth]:
    d = Draw(3000)
    frame = pl.DataFrame({
        "column_1": d.whole(17, 90), "column_2": d.pick("Private", "State-gov", "Local-gov"),
        "column_3": d.whole(12_000, 900_000), "column_4": d.whole(1, 16),
        "column_5": d.pick("Never-married", "Married-civ-spouse", "Divorced", "Widowed"),
        "column_6": d.pick("White", "Black", "Asian-Pac-Islander", "Other"),
        "column_7": d.pick("Male", "Female"), "column_8": d.whole(1, 99),
        "column_9": d.pick("<=50K", ">50K", p=[0.76, 0.24]),
    })  # fmt: skip
    return frame, Truth("column_9", frozenset({"column_1", "column_5", "column_6", "column_7"}))


LOOKALIKES: Mapping[str, Callable[[], tuple[pl.DataFrame, Truth]]] = {
    make.__name__: make
    for make in (
        bank_marketing, credit_card_default, student_performance, diabetes_hospitals, acs_income,
        ipums_census, dutch_census, open_university, mortgages, census_income_kdd, firefighters,
        bar_exam, staff_attrition, framingham, stroke, heart_failure, stop_and_frisk,
        intensive_care, hiring, loans, toxicity, german_applicants, spanish_credit, french_hiring,
        portuguese_admissions, bank_churn, telephone_churn, promotions, recruitment_decisions,
        delinquency, titanic, dropout, cardio, panel_of_employees, without_a_header,
    )
}  # fmt: skip

"""Generates the bundled samples: seeded simulations that return their ground truth."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Published coefficients of the ROME simulation: rows are groups; intercept, A1..A15, S1..S5.
ROME_BETA: tuple[tuple[float, ...], ...] = (
    (0.8444, -0.4238, 0.6964, -0.4485, -0.7370, 1.1445, 0.9875, -1.7015, 1.2169, -0.9222, 0.4033,
     1.7288, -1.6607, -0.2171, -0.4361, -1.5197, -0.3725, 0.8262, -1.4533, -0.7728, -1.1345),
    (0.0904, 0.7489, -0.5453, 1.6461, -0.4295, -1.0033, 1.6658, -1.6814, 1.7997, -1.5660, -1.5240,
     1.1513, 1.4607, 1.6372, -0.8308, -0.4867, -0.5569, -1.5086, -0.8481, 0.9956, -1.4407),
    (0.9621, 1.3091, 0.5592, -1.1647, 0.2548, 1.0137, -1.3363, -1.2952, -1.7661, 0.7435, 0.3948,
     0.2920, 1.6276, 0.8403, -0.5088, -0.3251, 1.0581, -0.4503, -0.7483, 0.7654, 0.5090),
    (0.6181, 0.3070, 1.7026, 1.3610, 1.3843, -1.3768, -1.2095, 0.7451, 0.2179, -0.2866, -1.7272,
     0.8299, -1.3676, -1.7809, 1.7471, -1.4273, 0.4140, 0.9027, 1.4293, 1.4600, -1.7899),
)  # fmt: skip
ROME_GATE: tuple[tuple[float, float, float], ...] = (
    (2.0, 2.0, 2.0),
    (-3.0, -2.0, -5.0),
    (0.1, -10.0, 0.1),
    (-2.0, -2.0, -2.0),
)

# Lending: effect on the log-odds of repaying, one row per latent group ("salaried", "seasonal
# income", "new to the country"); columns: intercept, income, debt, history, late payments, amount.
LENDING_EFFECTS: tuple[tuple[float, ...], ...] = (
    (1.2, 1.6, -1.6, 1.0, -1.4, -0.8),
    (0.2, -0.4, -0.3, 0.4, -0.4, -2.6),
    (0.4, 1.6, 1.9, -1.4, -0.5, -0.5),
)

HOSPITAL_SITES = 24
HOSPITAL_EFFECTS = {"intercept": -0.6, "age": 0.45, "severity": 0.9, "lab": 0.3, "visits": 0.4}
HOSPITAL_SD = {"intercept": 0.7, "lab": 0.5}

SHAPES_PIXELS = 28


@dataclass(frozen=True)
class Truth:
    """A simulated table with its ground truth for each row.

    `latent` is the code of the latent group, `expected` the probability or mean of the outcome.
    """

    frame: pl.DataFrame
    latent: NDArray[np.int64]
    expected: Floats


def rome_simulation(n: int = 4000, n_test: int = 1000, seed: int = 11) -> Truth:
    """The misspecified mixture of the ROME paper; `latent` is the group 0..3.

    X ~ N(0, I); S4 and S5 are 1{x > Φ⁻¹(1 − rate/2)} with rates .1 and .2; membership follows
    softmax(g1 sin S1 + g2 S2 + g3 S3·S4); y = β_z·[1, A, S] + N(0, 0.1²).
    """
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, 20))
    x[:, 18] = x[:, 18] > 1.6448536269514722  # Φ⁻¹(1 - .1/2)
    x[:, 19] = x[:, 19] > 1.2815515655446004  # Φ⁻¹(1 - .2/2)
    s = x[:, 15:]
    gate = np.array(ROME_GATE)
    drive = np.stack([np.sin(s[:, 0]), s[:, 1], s[:, 2] * s[:, 3]], axis=1)  # (n, 3)
    latent = _drawn(rng, drive @ gate.T)
    beta = np.array(ROME_BETA)[latent]  # (n, 21)
    mean = beta[:, 0] + np.sum(beta[:, 1:] * x, axis=1)
    y = mean + 0.1 * rng.standard_normal(n)
    names = [*(f"A{i}" for i in range(1, 16)), *(f"S{i}" for i in range(1, 6))]
    columns: dict[str, object] = {c: np.round(x[:, i], 4) for i, c in enumerate(names)}
    for c in ("S4", "S5"):
        columns[c] = x[:, names.index(c)].astype(np.int64)
    columns["y"] = np.round(y, 4)
    columns["split"] = ["train"] * (n - n_test) + ["test"] * n_test
    return Truth(pl.DataFrame(columns), latent, mean)


def lending(n: int = 6000, seed: int = 7) -> Truth:
    """Loan applications; `latent` is the kind of applicant 0..2, `expected` is P(repaid)."""
    rng = np.random.default_rng(seed)
    sex = rng.choice(["female", "male"], n, p=[0.46, 0.54])
    ethnicity = rng.choice(["A", "B", "C", "D"], n, p=[0.58, 0.22, 0.13, 0.07])
    age = np.clip(np.round(rng.gamma(6.0, 4.2, n) + 19), 19, 82).astype(np.int64)
    latent = _drawn(rng, _lending_gate(sex, ethnicity, age))
    x = _lending_features(rng, age, latent)  # (n, 5), standardised
    chance = _sigmoid(_dot(np.array(LENDING_EFFECTS), latent, x))
    repaid = rng.random(n) < chance
    frame = pl.DataFrame(
        {
            "applicant_id": [f"L{100000 + i}" for i in rng.permutation(n)],
            "age": age,
            "sex": sex,
            "ethnicity": _with_holes(rng, ethnicity, 0.015),
            "district": _with_holes(rng, _districts(rng, ethnicity), 0.02),
            "income": np.round(np.exp(10.2 + 0.5 * x[:, 0]), -1).astype(np.int64),
            "debt_ratio": np.round(_sigmoid(-0.8 + 0.9 * x[:, 1]), 3),
            "credit_history_years": _holed(
                rng, np.round(np.clip(8 + 4.5 * x[:, 2], 0, None), 1), 0.06
            ),
            "late_payments": np.round(np.clip(1.2 + 1.5 * x[:, 3], 0, None)).astype(np.int64),
            "loan_amount": np.round(np.exp(9.0 + 0.6 * x[:, 4]), -2).astype(np.int64),
            "purpose": rng.choice(
                ["car", "home", "education", "business"], n, p=[0.4, 0.3, 0.2, 0.1]
            ),
            **_two_systems(rng, chance, x),
            "repaid": np.where(repaid, "yes", "no"),
        }
    )
    return Truth(frame, latent, chance)


def _lending_gate(
    sex: NDArray[np.str_], ethnicity: NDArray[np.str_], age: NDArray[np.int64]
) -> Floats:
    """Log-odds of the three latent groups, from the declared attributes only."""
    young, minority = (age < 38).astype(float), np.isin(ethnicity, ["B", "C"]).astype(float)
    seasonal = -3.2 + 4.2 * young * (sex == "male") + 0.8 * (ethnicity == "D") + 0.8 * young
    new = -3.4 + 5.2 * minority + 0.8 * minority * (sex == "female")
    return np.stack([np.full(len(age), 0.6), seasonal, new], axis=1)


def _lending_features(
    rng: np.random.Generator, age: NDArray[np.int64], latent: NDArray[np.int64]
) -> Floats:
    x = rng.standard_normal((len(age), 5))
    x[:, 0] += 0.25 * (latent == 0) - 0.2 * (latent == 1)
    x[:, 2] = 0.7 * x[:, 2] + 0.035 * (age - 44)
    return x


def _two_systems(rng: np.random.Generator, chance: Floats, x: Floats) -> dict[str, object]:
    """System A knows each group's rule, with noise; B applies the first group's rule to all."""
    noisy = np.log(chance / (1 - chance)) + 0.5 * rng.standard_normal(len(chance))
    zero = np.zeros(len(chance), dtype=np.int64)
    pooled = _dot(np.array(LENDING_EFFECTS), zero, x) + 0.25 * rng.standard_normal(len(chance))
    score_a, score_b = np.round(_sigmoid(noisy), 4), np.round(_sigmoid(pooled), 4)
    return {
        "score_a": score_a,
        "decision_a": np.where(score_a >= 0.5, "yes", "no"),
        "score_b": score_b,
        "decision_b": np.where(score_b >= 0.5, "yes", "no"),
    }


def _districts(rng: np.random.Generator, ethnicity: NDArray[np.str_]) -> NDArray[np.str_]:
    """The district of each person: for four in five, one of their own group's (the proxy)."""
    names = np.array(["north", "hill", "river", "east", "harbour", "south", "station", "west"])
    home = {"A": [0, 1, 2], "B": [3, 4], "C": [5, 6], "D": [7]}
    own = np.array([names[rng.choice(home[e])] for e in ethnicity])
    return np.where(rng.random(len(ethnicity)) < 0.8, own, rng.choice(names, len(ethnicity)))


def hospital(n: int = 4000, seed: int = 5) -> Truth:
    """Patients in sites; `latent` is the code of the site, `expected` P(readmitted).

    Log-odds: fixed effects (`HOSPITAL_EFFECTS`) + a site's own intercept and slope of `lab`
    (`HOSPITAL_SD`), drawn by `hospital_sites`; women's log-odds are 0.35 lower in
    sites with an odd code, for reasons unrelated to their health.
    """
    rng = np.random.default_rng(seed)
    own = hospital_sites(seed)
    site = rng.choice(HOSPITAL_SITES, n, p=_site_shares())
    sex = rng.choice(["F", "M"], n)
    age = np.clip(np.round(rng.normal(61, 15, n)), 18, 97).astype(np.int64)
    insurance = rng.choice(["private", "public", "none"], n, p=[0.45, 0.43, 0.12])
    severity, lab, visits = rng.standard_normal((3, n))
    fixed = HOSPITAL_EFFECTS
    log_odds = (
        fixed["intercept"] + own[site, 0]
        + fixed["age"] * (age - 61) / 15
        + fixed["severity"] * severity
        + (fixed["lab"] + own[site, 1]) * lab
        + fixed["visits"] * visits
        - 0.35 * ((sex == "F") & (site % 2 == 1))
    )  # fmt: skip
    chance = _sigmoid(log_odds)
    frame = pl.DataFrame(
        {
            "patient_id": [f"P{20000 + i}" for i in rng.permutation(n)],
            "site": [f"site {s + 1:02d}" for s in site],
            "sex": sex,
            "age": age,
            "insurance": insurance,
            "severity": np.round(severity, 3),
            "lab": _holed(rng, np.round(40 + 8 * lab, 2), 0.05),
            "prior_visits": np.round(np.clip(2 + 1.6 * visits, 0, None)).astype(np.int64),
            "blood_pressure": np.round(128 + 14 * rng.standard_normal(n) + 0.2 * (age - 61)),
            "readmitted": (rng.random(n) < chance).astype(np.int64),
        }
    )
    return Truth(frame, site.astype(np.int64), chance)


def hospital_sites(seed: int = 5) -> Floats:
    """Each site's own intercept and slope of `lab`, (sites, 2)."""
    rng = np.random.default_rng([seed, 1])
    return rng.standard_normal((HOSPITAL_SITES, 2)) * [
        HOSPITAL_SD["intercept"],
        HOSPITAL_SD["lab"],
    ]


def _site_shares() -> Floats:
    size = 1.0 / np.arange(1, HOSPITAL_SITES + 1) ** 0.6
    share: Floats = size / size.sum()
    return share


def shapes(n: int = 640, seed: int = 3) -> tuple[Truth, NDArray[np.uint8]]:
    """A blob on stripes; bright means "yes" on horizontal stripes and "no" on vertical ones.

    Returns the table and the images, (n, 28, 28) uint8. `latent` is 1 where the rule is reversed
    (tone "dark", one in four rows), `expected` the target before 3% of the labels are flipped.
    """
    rng = np.random.default_rng(seed)
    dark = rng.random(n) < 0.25
    bright = rng.random(n) < 0.5
    truth = bright ^ dark
    wrong = rng.random(n) < 0.03
    images = np.stack([_striped_blob(rng, b, d) for b, d in zip(bright, dark, strict=True)])
    frame = pl.DataFrame(
        {
            "image": [f"images/{i:04d}.png" for i in range(n)],
            "finding": np.where(truth ^ wrong, "yes", "no"),
            "tone": np.where(dark, "dark", "light"),
            "sex": rng.choice(["female", "male"], n),
            "age": rng.integers(18, 90, n),
        }
    )
    return Truth(frame, dark.astype(np.int64), truth.astype(float)), images


def _striped_blob(rng: np.random.Generator, bright: bool, vertical: bool) -> NDArray[np.uint8]:
    side = SHAPES_PIXELS
    y, x = np.mgrid[0:side, 0:side]
    ground = 128 + 24 * np.sin((x if vertical else y) * 1.3 + rng.uniform(0, 6.28))
    cy, cx = rng.uniform(9, side - 9, 2)
    blob = np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * rng.uniform(2.5, 4.0) ** 2))
    noisy = ground + (70 if bright else -70) * blob + rng.normal(0, 5, (side, side))
    # multiples of 8: the files compress well and all platforms round alike
    pixels: NDArray[np.uint8] = (np.clip(np.round(noisy / 8), 0, 31) * 8).astype(np.uint8)
    return pixels


def shapes_zip(truth: Truth, images: NDArray[np.uint8]) -> bytes:
    """labels.csv and the PNG files in one ZIP with fixed dates."""
    from PIL import Image

    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        _add(archive, "labels.csv", truth.frame.write_csv().encode(), zipfile.ZIP_DEFLATED)
        for name, pixels in zip(truth.frame["image"], images, strict=True):
            png = io.BytesIO()
            Image.fromarray(pixels).save(png, "PNG", optimize=True)
            _add(archive, name, png.getvalue(), zipfile.ZIP_STORED)
    return out.getvalue()


def _add(archive: zipfile.ZipFile, name: str, content: bytes, packing: int) -> None:
    entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, content, packing)


def _drawn(rng: np.random.Generator, log_weight: Floats) -> NDArray[np.int64]:
    """One group per row from softmax weights, by the Gumbel-max trick."""
    noise = rng.gumbel(size=log_weight.shape)
    drawn: NDArray[np.int64] = np.argmax(log_weight + noise, axis=1).astype(np.int64)
    return drawn


def _dot(effects: Floats, group: NDArray[np.int64], x: Floats) -> Floats:
    own = effects[group]  # (n, 1 + p)
    product: Floats = own[:, 0] + np.sum(own[:, 1:] * x, axis=1)
    return product


def _sigmoid(value: Floats) -> Floats:
    probability: Floats = 1 / (1 + np.exp(-value))
    return probability


def _with_holes(
    rng: np.random.Generator, values: NDArray[np.str_], share: float
) -> list[str | None]:
    hole = rng.random(len(values)) < share
    return [None if h else str(v) for v, h in zip(values, hole, strict=True)]


def _holed(
    rng: np.random.Generator, values: NDArray[np.floating[Any]], share: float
) -> list[float | None]:
    hole = rng.random(len(values)) < share
    return [None if h else float(v) for v, h in zip(values, hole, strict=True)]

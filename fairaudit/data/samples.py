"""The bundled samples: small simulated datasets with known ground truth, ready to audit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from fairaudit.data import generators
from fairaudit.data.roles import ColumnRoles
from fairaudit.exceptions import InputError, SpecError


@dataclass(frozen=True)
class Sample:
    """One bundled dataset.

    Attributes
    ----------
    name : str
        Key in `SAMPLES`.
    title, description : str
        Shown to users.
    file : str
        File name in the samples folder.
    roles : ColumnRoles
        Roles of its columns.
    """

    name: str
    title: str
    description: str
    file: str
    roles: ColumnRoles

    @property
    def path(self) -> Path:
        """Its path, in a clone or in an installed package."""
        return sample_folder() / self.file


def sample_folder() -> Path:
    """The samples folder: beside the package (clone) or inside it (installed wheel)."""
    here = Path(__file__).resolve()
    for folder in (here.parents[1] / "_app" / "sample_data", here.parents[2] / "sample_data"):
        if (folder / "lending.csv").is_file():
            return folder
    raise InputError("the bundled samples are missing; reinstall fairaudit")


def sample(name: str) -> Sample:
    """A sample by its name.

    Raises
    ------
    SpecError
        When there is no such sample.
    """
    if name not in SAMPLES:
        raise SpecError(f"there is no sample '{name}'; there are {', '.join(SAMPLES)}")
    return SAMPLES[name]


def write_samples(folder: Path) -> None:
    """Generate all samples again; the result is the same on every machine."""
    folder.mkdir(parents=True, exist_ok=True)
    generators.lending().frame.write_csv(folder / "lending.csv")
    generators.hospital().frame.write_csv(folder / "hospital.csv")
    generators.rome_simulation().frame.write_csv(folder / "rome_simulation.csv")
    (folder / "shapes.zip").write_bytes(generators.shapes_zip(*generators.shapes()))


_ALL = (
    Sample(
        "lending",
        "Lending: two scoring systems and a latent group",
        "6,000 simulated loan applications. Two systems have already decided on them; one "
        "misjudges the latent groups whose repayment follows another rule. `district` is a proxy "
        "of ethnicity.",
        "lending.csv",
        ColumnRoles(
            target="repaid",
            positive="yes",
            meaning="good",
            features=(
                "district",
                "income",
                "debt_ratio",
                "credit_history_years",
                "late_payments",
                "loan_amount",
                "purpose",
            ),
            sensitive=("sex", "ethnicity", "age"),
            predictions=("decision_a", "decision_b"),
            scores=("score_a", "score_b"),
        ),
    ),
    Sample(
        "hospital",
        "Hospital: readmission in 24 sites",
        "4,000 simulated patients in 24 sites; each site has its own base rate and its own "
        "effect of the laboratory value.",
        "hospital.csv",
        ColumnRoles(
            target="readmitted",
            positive="1",
            meaning="bad",
            features=("severity", "lab", "prior_visits", "blood_pressure"),
            sensitive=("sex", "insurance", "age"),
            cluster="site",
        ),
    ),
    Sample(
        "shapes",
        "Shapes: small images with a rule that depends on the group",
        "640 simulated images of 28 × 28 pixels: a bright blob means yes on light tones and no "
        "on dark ones.",
        "shapes.zip",
        ColumnRoles(
            target="finding",
            positive="yes",
            meaning="neutral",
            sensitive=("tone", "sex"),
            image="image",
        ),
    ),
    Sample(
        "rome_simulation",
        "ROME simulation: four latent groups, four rules",
        "4,000 rows of the published simulation with its published coefficients (regression). "
        "The outcome also depends on the sensitive attributes, so they are features here.",
        "rome_simulation.csv",
        ColumnRoles(
            target="y",
            task="regression",
            features=(*(f"A{i}" for i in range(1, 16)), *(f"S{i}" for i in range(1, 6))),
            sensitive=tuple(f"S{i}" for i in range(1, 6)),
            split="split",
        ),
    ),
)
SAMPLES: Mapping[str, Sample] = MappingProxyType({s.name: s for s in _ALL})

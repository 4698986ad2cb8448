"""FairSDE on face crops, trained on the CPU through the upload path: ZIP in, job, result out.

Run: python benchmarks/fairsde_faces.py [--epochs 40] [--attributes white grown] [--out FILE.json]
The table of the ZIP gets two columns that a user would add in a spreadsheet: white / non-white and
age 30 or more. Target: gender. The images are for research only and are never shown.
"""

from __future__ import annotations

import argparse
import io
import json
import tempfile
import time
import zipfile
from pathlib import Path

import polars as pl

from fairaudit import AuditSpec, ColumnRoles, Workspace
from fairaudit.jobs.spec import JobSpec

FACES = Path(__file__).resolve().parents[2] / "shared" / "data" / "faces64.zip"


def with_groups(source: Path, target: Path) -> None:
    """The same ZIP with the columns `white` and `grown` in its table."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name.endswith("labels.csv"):
                frame = pl.read_csv(io.BytesIO(content)).with_columns(
                    white=pl.when(pl.col("race") == "White")
                    .then(pl.lit("white"))
                    .otherwise(pl.lit("non-white")),
                    grown=pl.when(pl.col("age") >= 30)
                    .then(pl.lit("30 or more"))
                    .otherwise(pl.lit("under 30")),
                )
                content = frame.write_csv().encode()
            new.writestr(name, content)


def main() -> None:
    """Ingest, train, print the decision by group."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--attributes", nargs="+", default=["white", "grown"])
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        with_groups(FACES, root / "faces.zip")
        workspace = Workspace(root / "workspace")
        began = time.perf_counter()
        info = workspace.ingest(root / "faces.zip", name="faces.zip")
        ingested = time.perf_counter() - began
        roles = ColumnRoles(
            target="gender", image="image", sensitive=("white", "grown"), positive="female"
        )
        params = {
            "max_epochs": given.epochs,
            "batch_size": 32,
            "learning_rate": 0.02,
            "weight_decay": 5e-4,
            "patience": None,
            "attributes": given.attributes,
        }
        audit = AuditSpec(roles=roles, method="fair-sde", params=params, n_boot=200)
        job = workspace.run_now(JobSpec(dataset=info.sha256, audit=audit, device="auto"))
        state = workspace.job(job)
        print(f"ingested {info.rows} images in {ingested:.1f} s; job {state.state}", state.reason)
        result = workspace.result(job)
    selection = result.tables["selection"].drop("reason")
    shown = ("split", "group", "n", "baseline", "expert", "lower", "upper", "chosen", "verdict")
    print(selection.select(shown).write_csv(float_precision=4))
    print(result.tables["selection_gaps"].write_csv(float_precision=4))
    overall = result.errors.filter(attribute="all", split="test", metric="accuracy")
    print(overall.select("model", "n", "value", "low", "high").write_csv(float_precision=4))
    print("guessed groups:", result.summary["guessed_groups"])
    if given.out:
        answer = {
            "attributes": given.attributes,
            "epochs": given.epochs,
            "ingest_seconds": ingested,
            "seconds": state.seconds,
            "selection": selection.to_dicts(),
            "overall": overall.to_dicts(),
        }
        given.out.write_text(json.dumps(answer, indent=1))


if __name__ == "__main__":
    main()

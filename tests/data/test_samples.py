"""The bundled samples: made anew they are the same, and they hold what they promise."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from fairaudit.data import generators, samples, store
from fairaudit.data.dataset import Dataset
from fairaudit.data.doctor.diagnosis import examine
from fairaudit.data.doctor.proxies import find_proxies
from fairaudit.data.samples import SAMPLES, sample, sample_folder, write_samples
from fairaudit.exceptions import InputError, SpecError


def test_samples_made_anew_are_the_bundled_ones(tmp_path: Path) -> None:
    """Tables byte for byte; images pixel for pixel (zlib builds pack PNG differently)."""
    write_samples(tmp_path)
    for one in SAMPLES.values():
        new, bundled = (tmp_path / one.file).read_bytes(), one.path.read_bytes()
        if one.file.endswith(".csv"):
            assert new == bundled, one.name
        else:
            assert _pixels(new) == _pixels(bundled)


def _pixels(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {
            name: np.asarray(Image.open(io.BytesIO(archive.read(name)))).tobytes()
            if name.endswith(".png")
            else archive.read(name)
            for name in archive.namelist()
        }


@pytest.mark.parametrize("name", SAMPLES)
def test_every_sample_is_small_and_fits_its_roles(name: str, tmp_path: Path) -> None:
    one = SAMPLES[name]
    assert one.path.stat().st_size < 1 << 20
    found = store.ingest(one.path, tmp_path)
    folder = tmp_path / found.sha256
    frame = store.load(folder)
    data = Dataset(frame, one.roles, store.images(folder))
    assert data.excluded.height == 0
    assert len(data.arrays()) == found.rows
    problems = examine(frame, one.roles).problems
    assert not [p for p in problems if p.severity == "error"]
    assert name in (sample_folder() / "README.md").read_text()


def test_lending_hides_a_group_that_system_b_misjudges() -> None:
    truth = generators.lending()
    right = {
        s: (truth.frame[f"decision_{s}"] == truth.frame["repaid"]).to_numpy() for s in ("a", "b")
    }
    rates = {s: [ok[truth.latent == g].mean() for g in range(3)] for s, ok in right.items()}
    assert max(rates["a"]) - min(rates["a"]) < 0.08
    assert rates["b"][0] - min(rates["b"][1:]) > 0.2
    assert np.bincount(truth.latent).min() > 400
    assert truth.frame["credit_history_years"].null_count() > 200


def test_district_is_the_planted_proxy_of_ethnicity() -> None:
    frame = generators.lending().frame
    features = ["district", "income", "debt_ratio", "late_payments", "purpose"]
    found = find_proxies(frame, features, ["ethnicity"])
    assert found.row(0)[0] == "district"
    assert found["auroc"][0] > 0.85
    assert found["auroc"].to_list()[1:] == []  # the others are not above chance by a margin


def test_hospital_sites_differ_as_planted() -> None:
    truth = generators.hospital()
    own = generators.hospital_sites()
    rate = truth.frame.with_columns(site_code=pl.Series(truth.latent)).group_by("site_code").agg(
        pl.col("readmitted").mean(), pl.len()
    )  # fmt: skip
    large = rate.filter(pl.col("len") > 100)
    intercept = own[large["site_code"].to_numpy(), 0]
    assert np.corrcoef(intercept, large["readmitted"].to_numpy())[0, 1] > 0.8
    assert rate.height == generators.HOSPITAL_SITES


def test_rome_simulation_has_the_published_shares_and_coefficients(shared_data: Path) -> None:
    path = shared_data.parent / "methods" / "rome_simulation_beta.csv"
    if not path.is_file():
        pytest.skip("the published coefficients are not on this machine")
    published = [
        list(map(float, row[1:])) for row in list(csv.reader(path.read_text().splitlines()))[1:]
    ]
    assert np.array_equal(np.array(published), np.array(generators.ROME_BETA))
    truth = generators.rome_simulation(20_000, 1000, seed=1)
    shares = np.bincount(truth.latent) / 20_000
    assert np.abs(shares - [0.37, 0.14, 0.42, 0.073]).max() < 0.02
    frame = truth.frame
    assert abs(frame["S4"].mean() - 0.05) < 0.01  # type: ignore[operator]
    x = frame.drop("y", "split").to_numpy()
    for g in range(4):
        rows = truth.latent == g
        design = np.column_stack([np.ones(rows.sum()), x[rows]])
        beta, *_ = np.linalg.lstsq(design, frame["y"].to_numpy()[rows], rcond=None)
        assert np.abs(beta - generators.ROME_BETA[g]).max() < 0.06


def test_shapes_turn_the_rule_round_for_dark_tones() -> None:
    truth, images = generators.shapes()
    dark = truth.latent == 1
    centre = images.astype(float).max(axis=(1, 2)) - 128 > 128 - images.min(axis=(1, 2))
    yes = (truth.frame["finding"] == "yes").to_numpy()
    assert (centre[~dark] == yes[~dark]).mean() > 0.9
    assert (centre[dark] == yes[dark]).mean() < 0.1
    assert 0.15 < dark.mean() < 0.35


def test_samples_are_found_inside_an_installed_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = tmp_path / "fairaudit" / "_app" / "sample_data"
    inside.mkdir(parents=True)
    (inside / "lending.csv").write_text("a\n1\n")
    monkeypatch.setattr(samples, "__file__", str(tmp_path / "fairaudit" / "data" / "samples.py"))
    assert SAMPLES["lending"].path == inside / "lending.csv"
    (inside / "lending.csv").unlink()
    with pytest.raises(InputError, match="reinstall fairaudit"):
        sample_folder()


def test_an_unknown_sample_names_those_there_are() -> None:
    with pytest.raises(SpecError, match="lending, hospital"):
        sample("nothing")

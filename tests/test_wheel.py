"""An installed fairaudit has its dashboard and its samples with it."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The content of a freshly built wheel, as it would lie in site-packages."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        wheel.extractall(folder / "site")
    return folder / "site"


def _said(site: Path, code: str, cwd: Path) -> str:
    environment = {**os.environ, "PYTHONPATH": str(site)}
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_samples_come_along(installed, tmp_path):
    code = "from fairaudit.data.samples import SAMPLES; print(SAMPLES['lending'].path)"
    path = Path(_said(installed, code, tmp_path))
    assert path.is_relative_to(installed)
    assert path.read_bytes() == (ROOT / "sample_data" / "lending.csv").read_bytes()


def test_the_dashboard_comes_along_with_every_page(installed, tmp_path):
    code = "from fairaudit.cli.serve import app_folder; print(app_folder())"
    folder = Path(_said(installed, code, tmp_path))
    assert folder.is_relative_to(installed)
    pages = {p.name for p in (ROOT / "pages").glob("*.py")}
    assert {p.name for p in (folder / "pages").glob("*.py")} == pages
    assert (folder / "app.py").is_file()
    assert (folder / ".streamlit" / "config.toml").is_file()


def test_the_glossary_comes_along(installed, tmp_path):
    code = "from fairaudit.ui import glossary; print(glossary.explanation('Denominator'))"
    assert _said(installed, code, tmp_path).startswith("The rows that a rate is a share of")
    assert (installed / "fairaudit" / "_app" / "glossary.md").is_file()


def test_nothing_of_the_tests_is_shipped(installed):
    assert not (installed / "tests").exists()
    assert (installed / "fairaudit" / "py.typed").is_file()

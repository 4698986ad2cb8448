"""Ingestion and the doctor: seconds, rates and peak memory; prints a table and writes JSON.

    python benchmarks/ingest.py [--megabytes 200] [--images 10000] [--out ingest.json]

Every case runs in a separate process, so that its peak memory can be measured.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

_CASE = """
import json, resource, sys, time
from pathlib import Path
from fairaudit.data import store
from fairaudit.data.doctor.diagnosis import examine

kind, source, home = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
start = time.perf_counter()
if kind == "doctor":
    frame = __import__("polars").read_parquet(source)
    start = time.perf_counter()
    found = examine(frame)
    rows, columns = frame.height, frame.width
else:
    info = store.ingest(source, home, image_size=64)
    rows, columns = info.rows, info.columns
seconds = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps(dict(rows=rows, columns=columns, seconds=seconds, base_mb=base, peak_mb=peak)))
"""


def measure(kind: str, source: Path, home: Path) -> dict[str, float]:
    """One case in a fresh process."""
    command = [sys.executable, "-c", _CASE, kind, str(source), str(home)]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    size = source.stat().st_size / 2**20
    found = json.loads(out.strip().splitlines()[-1])
    return {"megabytes": size, **found, "mb_per_s": size / found["seconds"]}


def write_csv(path: Path, megabytes: int) -> None:
    """Mixed columns: integers, decimals, words, missing cells, quoted text."""
    rng = np.random.default_rng(0)
    n = 100_000
    block = pl.DataFrame(
        {
            "id": np.arange(n),
            "amount": np.round(rng.normal(100, 30, n), 2),
            "sex": rng.choice(["f", "m"], n),
            "region": rng.choice(["north", "south", "?", ""], n),
            "note": rng.choice(["said ""hi""", "a, b", "plain"], n),
            **{f"x{i}": np.round(rng.normal(size=n), 4) for i in range(10)},
            "y": rng.integers(0, 2, n),
        }
    )  # fmt: skip
    with path.open("wb") as out:
        header = True
        while out.tell() < megabytes * 2**20:
            block.write_csv(out, include_header=header)
            header = False


def write_images(path: Path, n: int) -> None:
    """n JPEG files of 96 × 96 pixels with labels.csv."""
    import io
    import zipfile

    from PIL import Image

    rng = np.random.default_rng(0)
    base = rng.integers(0, 255, (12, 12, 3), dtype=np.uint8)
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(n):
            picture = Image.fromarray(np.roll(base, i, axis=0)).resize((96, 96))
            out = io.BytesIO()
            picture.save(out, "JPEG", quality=85)
            archive.writestr(f"images/{i:06d}.jpg", out.getvalue())
        rows = "".join(f"images/{i:06d}.jpg,{i % 2},{'fm'[i % 3 == 0]}\n" for i in range(n))
        archive.writestr("labels.csv", "image,y,sex\n" + rows)


def write_wide(path: Path) -> None:
    """50,000 rows × 100 columns for the doctor: 60 numbers, 37 of words, three parts."""
    rng = np.random.default_rng(0)
    n = 50_000
    numbers = {f"n{i}": rng.normal(size=n) for i in range(60)}
    levels = {f"c{i}": rng.choice([f"level {k}" for k in range(5 + i * 3)], n) for i in range(37)}
    parts = {"site": rng.integers(0, 40, n), "sex": rng.choice(["f", "m"], n)}
    pl.DataFrame({**numbers, **levels, **parts, "y": rng.integers(0, 2, n)}).write_parquet(path)


def main() -> None:
    """All cases."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        for label, size in (("csv, a quarter", given.megabytes // 4), ("csv", given.megabytes)):
            write_csv(home / "t.csv", size)
            results[label] = measure("csv", home / "t.csv", home / "datasets")
            (home / "t.csv").unlink()
        write_images(home / "images.zip", given.images)
        results["images"] = measure("images", home / "images.zip", home / "datasets")
        write_wide(home / "wide.parquet")
        results["doctor"] = measure("doctor", home / "wide.parquet", home / "datasets")
    print(
        f"{'case':16}{'MB':>8}{'rows':>11}{'cols':>6}{'s':>8}{'MB/s':>8}{'peak MB':>9}{'base':>6}"
    )
    for label, r in results.items():
        print(
            f"{label:16}{r['megabytes']:8.0f}{r['rows']:11,}{r['columns']:6}{r['seconds']:8.2f}"
            f"{r['mb_per_s']:8.1f}{r['peak_mb']:9.0f}{r['base_mb']:6.0f}"
        )
    if given.out:
        given.out.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()

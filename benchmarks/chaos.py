"""A longer version of the chaos test: kill everything and check that nothing is broken.

    python benchmarks/chaos.py [--jobs 2000] [--seed 1] [--patience 3600]

Exit code 0 if every guarantee was kept.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.jobs.chaos import Chaos


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--patience", type=float, default=3600.0)
    words = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        report = Chaos(Path(root), words.jobs, words.seed, submitters=4).run(words.patience)
    print(f"jobs     {sum(report.states.values())} in {report.seconds:.0f} s")
    print(f"states   {dict(report.states)}")
    print(f"killed   {dict(report.kills)}")
    print(f"broken   {len(report.broken)}")
    for line in report.broken:
        print(f"  {line}")
    return 1 if report.broken else 0


if __name__ == "__main__":
    sys.exit(main())

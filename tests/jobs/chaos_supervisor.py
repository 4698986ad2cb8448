"""A supervisor in a bad world: the clock jumps and the disk is full now and then."""

from __future__ import annotations

import logging
import os
import random
import signal
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from fairaudit.jobs import supervisor
from fairaudit.jobs.engines.local import LocalEngine, numbered_slots

QUICK = (sys.executable, str(Path(__file__).with_name("quick_worker.py")))


def main(root: Path, seed: int) -> None:
    dice = random.Random(seed)
    real_time, real_fsync = time.time, os.fsync
    time.time = lambda: real_time() + dice.choice([0, 0, 0, -86_400, 3e8])

    def fsync(descriptor: int) -> None:
        if dice.random() < 0.05:
            raise OSError(28, "No space left on device")
        real_fsync(descriptor)

    os.fsync = fsync
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    logging.disable(logging.CRITICAL)
    engine = LocalEngine(numbered_slots(3), command=QUICK, grace=1.0)
    supervisor.run(root, engine, poll=0.02, stop=stop, wait=True, begin_s=0.3)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))

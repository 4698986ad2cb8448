"""Search of Fair MEDL's five weights for the accuracy–fairness front, resumable from a file."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from fairaudit.exceptions import InputError, SpecError
from fairaudit.methods.common.progress import Monitor, Silent
from fairaudit.methods.fair_medl.tables import search_trials
from fairaudit.methods.tables import Frame

WEIGHTS = (
    "lambda_fixed",
    "lambda_cluster",
    "lambda_kl",
    "lambda_fair_fixed",
    "lambda_fair_mixed",
)
RANGE = (1e-3, 10.0)  # searched on a log scale
STUDY = "fair-medl"
FILE = "search.log"

Objective = Callable[[Mapping[str, float]], tuple[float, float]]


@dataclass(frozen=True)
class Search:
    """Outcome of a search.

    Attributes
    ----------
    trials : polars.DataFrame
        trial, error, unfairness, the five weights, front (not dominated), chosen.
    weights : mapping
        The chosen weights: the fairest trial whose error is within the budget of the smallest.
    """

    trials: Frame
    weights: Mapping[str, float]


def search_weights(
    objective: Objective,
    *,
    n_trials: int,
    budget: float = 0.01,
    start: Mapping[str, float] | None = None,
    folder: Path | None = None,
    seed: int = 0,
    monitor: Monitor | None = None,
) -> Search:
    """Search for weights that are accurate and fair (multi-objective TPE).

    Parameters
    ----------
    objective : callable
        Weights → (error, unfairness) on validation rows, smaller is better.
    n_trials : int
        Finished trials wanted in all; those already in the folder count.
    budget : float
        How much error may be given up for fairness.
    start : mapping or None
        Weights tried first.
    folder : Path or None
        Where the journal lies; a second call with the same folder goes on where the first
        stopped. None = in memory.
    seed : int
    monitor : Monitor or None
        Hears every trial (error, unfairness, size of the front) and may cancel.

    Raises
    ------
    SpecError
        When the number of trials is 0.
    InputError
        When error or unfairness is undefined on the validation rows.
    """
    if n_trials < 1:
        raise SpecError(f"search_trials={n_trials!r} must be 1 or more")
    monitor = monitor or Silent()
    with _quiet():
        study = _study(folder, seed)
    waiting = study.get_trials(deepcopy=False, states=(TrialState.WAITING,))
    if start is not None and not _finished(study) and not waiting:  # or its trial was broken off
        study.enqueue_trial({name: float(np.clip(start[name], *RANGE)) for name in WEIGHTS})
    finished = len(_finished(study))
    monitor.start("search of the weights", n_trials)
    monitor.step(finished)
    for _ in range(finished, n_trials):
        error, unfairness = _run_trial(study, objective)
        front = float(len(study.best_trials))
        monitor.step(1, error=error, unfairness=unfairness, front=front)
    monitor.end()
    return _search_of_study(study, budget)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence Optuna's messages on stderr below warnings."""
    logger = logging.getLogger("optuna")
    before = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(before)


def _study(folder: Path | None, seed: int) -> optuna.Study:
    storage = None
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        storage = JournalStorage(JournalFileBackend(str(folder / FILE)))
    study = optuna.create_study(
        study_name=STUDY,
        storage=storage,
        directions=["minimize", "minimize"],
        load_if_exists=True,
    )
    # a resumed search must not draw again what was drawn before
    study.sampler = optuna.samplers.TPESampler(seed=seed + len(study.trials))
    return study


def _finished(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    return list(study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)))


def _run_trial(study: optuna.Study, objective: Objective) -> tuple[float, float]:
    trial = study.ask()
    weights = {name: trial.suggest_float(name, *RANGE, log=True) for name in WEIGHTS}
    try:
        error, unfairness = objective(weights)
    except BaseException:
        study.tell(trial, state=TrialState.FAIL)
        raise
    if not np.isfinite((error, unfairness)).all():
        study.tell(trial, state=TrialState.FAIL)
        raise InputError(
            "the validation rows cannot judge the weights: the search needs rows of both classes "
            "and at least 10 rows in two groups; give more validation rows"
        )
    study.tell(trial, (error, unfairness))
    return error, unfairness


def _search_of_study(study: optuna.Study, budget: float) -> Search:
    front = {t.number for t in study.best_trials}
    done = _finished(study)
    least = min(t.values[0] for t in done)
    allowed = [t for t in done if t.values[0] <= least + budget]
    best = min(allowed, key=lambda t: (t.values[1], t.values[0]))
    rows = [
        {
            "trial": t.number,
            "error": t.values[0],
            "unfairness": t.values[1],
            **{name: t.params[name] for name in WEIGHTS},
            "front": t.number in front,
            "chosen": t.number == best.number,
        }
        for t in done
    ]
    return Search(search_trials(rows), {name: best.params[name] for name in WEIGHTS})

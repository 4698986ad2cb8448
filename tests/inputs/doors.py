"""Small fits of every estimator, and every container that users pass."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
from sklearn.exceptions import ConvergenceWarning

from fairaudit import FairMEDL, FairSDE, RomeEM, RomeMoE
from fairaudit.methods.baselines.boosting import PooledBoosting
from fairaudit.methods.baselines.group_networks import DecoupledHeads, GroupDRO
from fairaudit.methods.baselines.linear import PooledLinear
from fairaudit.methods.baselines.network import PooledNetwork
from fairaudit.methods.baselines.thresholds import GroupThresholds

N = 48
_RNG = np.random.default_rng(3)
X = np.round(_RNG.normal(size=(N, 2)), 3)
FRAME = pd.DataFrame(X, columns=["a", "b"])
SEX: list[str | None] = [None, *_RNG.choice(["f", "m"], N - 1).tolist()]
BAND: list[int | None] = [1, None, *_RNG.choice([1, 2], N - 2).tolist()]
Y = (X[:, 0] + _RNG.normal(0, 0.5, N) > 0).astype(int)
SITE = np.repeat(["p", "q", "r"], N // 3)

_NET: dict[str, Any] = {
    "hidden_sizes": (2,),
    "max_epochs": 1,
    "batch_size": 16,
    "device": "cpu",
    "random_state": 0,
}
MAKERS: dict[str, Callable[[], Any]] = {
    "PooledLinear": PooledLinear,
    "PooledBoosting": lambda: PooledBoosting(max_iter=2, min_samples_leaf=4, random_state=0),
    "PooledNetwork": lambda: PooledNetwork(**_NET),
    "GroupDRO": lambda: GroupDRO(min_group_rows=2, **_NET),
    "DecoupledHeads": lambda: DecoupledHeads(min_group_rows=2, **_NET),
    "GroupThresholds": lambda: GroupThresholds(min_group_rows=8, random_state=0),
    "RomeEM": lambda: RomeEM(
        2, n_init=1, max_iter=2, cross_fitting=False, random_state=0, outcome_sensitive=True
    ),
    "RomeMoE": lambda: RomeMoE(
        2, hidden_size=2, gate_hidden_size=2, max_epochs=1, random_state=0, device="cpu"
    ),
    "FairSDE": lambda: FairSDE(min_group_rows=2, confidence=None, **_NET),
    "FairMEDL": lambda: FairMEDL((2,), max_epochs=1, random_state=0, device="cpu"),
}
POOLED = ("PooledLinear", "PooledBoosting", "PooledNetwork")
GROUPED = [name for name in MAKERS if name not in POOLED]
VALIDATED = GROUPED


def _table() -> pa.Table:
    return pa.table({"sex": SEX, "band": BAND})


NAMED: dict[str, Callable[[], Any]] = {
    "pandas": lambda: pd.DataFrame({"sex": SEX, "band": BAND}, dtype=object),
    "pandas nullable": lambda: pd.DataFrame({"sex": SEX, "band": BAND}).convert_dtypes(),
    "pandas categories": lambda: pd.DataFrame({"sex": SEX, "band": BAND}).astype("category"),
    "polars": lambda: pl.DataFrame({"sex": SEX, "band": BAND}),
    "polars lazy": lambda: pl.LazyFrame({"sex": SEX, "band": BAND}),
    "arrow table": _table,
    "arrow batch": lambda: _table().to_batches()[0],
    "dict of lists": lambda: {"sex": SEX, "band": BAND},
    "dict of arrow": lambda: {"sex": pa.chunked_array([SEX]), "band": pa.array(BAND)},
    "dict of Series": lambda: {"sex": pl.Series(SEX), "band": pd.Series(BAND)},
    "records": lambda: [
        {k: v for k, v in (("sex", s), ("band", b)) if v is not None or i != 1}
        for i, (s, b) in enumerate(zip(SEX, BAND, strict=True))
    ],
}
UNNAMED: dict[str, Callable[[], Any]] = {
    "objects": lambda: np.array([SEX, BAND], dtype=object).T,
    "objects with NaN": lambda: (
        np.array(
            [[np.nan if v is None else v for v in column] for column in (SEX, BAND)], dtype=object
        ).T
    ),
    "masked": lambda: np.ma.masked_equal(
        np.array([[v or "?" for v in SEX], [v or "?" for v in BAND]], dtype=object).T, "?"
    ),
    "rows": lambda: [list(row) for row in zip(SEX, BAND, strict=True)],
    "rows with NaN": lambda: [
        (float("nan") if s is None else s, float("nan") if b is None else b)
        for s, b in zip(SEX, BAND, strict=True)
    ],
}
CONTAINERS = NAMED | UNNAMED


def quietly(act: Callable[[], Any]) -> Any:
    """What a small fit says about itself is no matter here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", message=".*not seen in training.*")
        return act()


def fitted(
    name: str, X: Any = X, y: Any = Y, people: Any = None, validation: Any = None, **more: Any
) -> Any:
    """A small model of an estimator."""
    given: dict[str, Any] = {"sensitive_features": people, **more}
    if validation is not None:
        given["validation"] = validation
    if name == "FairMEDL":
        given.setdefault("clusters", SITE)
    return quietly(lambda: MAKERS[name]().fit(X, y, **given))


@cache
def usual(name: str, *, held: bool = False) -> Any:
    """A small model fitted on arrays, with names of features and people."""
    people = NAMED["pandas"]()
    validation = (FRAME, Y, people) if held else None
    return fitted(name, FRAME, Y, people, validation)


def answers(model: Any, X: Any = FRAME, people: Any = None) -> Any:
    """Predictions, with the groups of people where the model takes them."""
    if isinstance(model, FairMEDL):
        return quietly(lambda: model.predict_mixed(X, clusters=SITE))
    if isinstance(model, PooledLinear | PooledBoosting):
        return quietly(lambda: model.predict_proba(X))
    if isinstance(model, GroupThresholds):
        return quietly(lambda: model.chance_of_positive(X, people))
    return quietly(lambda: model.predict_proba(X, people))

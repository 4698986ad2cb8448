"""Models saved before names were kept still load, and answer as they did."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fairaudit import FairMEDL, FairSDE, RomeEM, RomeMoE
from fairaudit.methods.baselines.group_networks import DecoupledHeads, GroupDRO
from fairaudit.methods.baselines.linear import PooledLinear
from fairaudit.methods.baselines.network import PooledNetwork
from fairaudit.methods.baselines.thresholds import GroupThresholds

FOLDER = Path(__file__).parent.parent / "fixtures" / "models"
KNOWN: dict[str, Any] = json.loads((FOLDER / "answers.json").read_text("utf-8"))
X = np.array(KNOWN["X"])
PEOPLE = pd.DataFrame({name: KNOWN[name] for name in ("sex", "race", "age")})
KINDS: tuple[Any, ...] = (
    *(PooledLinear, PooledNetwork, GroupDRO, DecoupledHeads, GroupThresholds, FairSDE),
    *(RomeEM, RomeMoE, FairMEDL),
)


def _answers(model: Any, people: Any) -> Any:
    if isinstance(model, PooledLinear):
        return model.predict_proba(X)
    if isinstance(model, FairMEDL):
        frame = pd.DataFrame(X, columns=["a", "b"])
        return model.predict_proba(frame, clusters=KNOWN["site"])
    return model.predict_proba(X, people)


def _people(model: Any) -> pd.DataFrame:
    return PEOPLE if isinstance(model, RomeEM | RomeMoE) else PEOPLE[["sex", "race"]]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_older_model_answers_as_it_did(kind: Any) -> None:
    model = kind.load(FOLDER / kind.__name__)
    known = KNOWN["answers"][kind.__name__]
    for people in (_people(model), _people(model).to_numpy(dtype=object)):
        np.testing.assert_allclose(_answers(model, people), known, rtol=1e-9)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_older_model_takes_named_features_by_position(kind: Any) -> None:
    if kind in (RomeEM, FairMEDL):  # theirs were kept
        return
    model = kind.load(FOLDER / kind.__name__)
    frame = pd.DataFrame(X, columns=["a", "b"])
    given = () if kind is PooledLinear else (_people(model),)
    np.testing.assert_array_equal(model.predict(frame, *given), model.predict(X, *given))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_model_saved_again_answers_the_same(kind: Any, tmp_path: Path) -> None:
    kind.load(FOLDER / kind.__name__).save(tmp_path)
    again = kind.load(tmp_path)
    people = _people(again)
    np.testing.assert_allclose(_answers(again, people), KNOWN["answers"][kind.__name__], rtol=1e-9)


def test_randomised_thresholds_of_an_older_model_are_the_same() -> None:
    model = GroupThresholds.load(FOLDER / "GroupThresholds")
    chance = model.chance_of_positive(X, _people(model))
    np.testing.assert_allclose(chance, KNOWN["answers"]["chance"], rtol=1e-9)

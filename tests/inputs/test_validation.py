"""Every estimator reads `validation` in the same way, and knows its labels; models on disk."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from fairaudit.audit.adapters import adapter
from fairaudit.data.arrays import Arrays
from fairaudit.exceptions import InputError, SpecError
from fairaudit.methods.common.progress import Silent
from tests.inputs.doors import (
    FRAME,
    MAKERS,
    NAMED,
    SITE,
    VALIDATED,
    N,
    X,
    Y,
    answers,
    fitted,
    quietly,
    usual,
)

PEOPLE = NAMED["pandas"]()
READERS = ["PooledNetwork", "PooledBoosting", *VALIDATED]
BY_GROUP = [name for name in VALIDATED if name != "FairMEDL"]
MOST = {"FairSDE": 5, "FairMEDL": 4, "RomeEM": 5, "RomeMoE": 5, "PooledBoosting": 5}
MORE = (SITE, np.ones(N))

OTHERS: dict[str, Any] = {
    "dict": ({"X": FRAME, "y": Y, "sensitive_features": PEOPLE}, "one dict"),
    "frame": (FRAME, "one DataFrame"),
    "array": (X, "one ndarray"),
    "text": ("abc", "one str"),
    "empty text": ("", "one str"),
    "generator": ((part for part in (FRAME, Y, PEOPLE)), "one generator"),
    "number": (0.2, "one float"),
    "set": (set(), "one set"),
    "nothing": ((), "0 parts"),
    "X only": ([FRAME], "1 part"),
    "too much": ((FRAME, Y, PEOPLE, *MORE, None), "6 parts"),
    "no y": ((FRAME, None, PEOPLE), "no y"),
    "no X": ((None, Y, PEOPLE), "no X"),
}
UNEVEN: dict[str, Any] = {
    "X": (FRAME[:40], Y, PEOPLE),
    "y": (FRAME, Y[:40], PEOPLE),
    "sensitive_features": (FRAME, Y, PEOPLE[:40]),
    "one y": (FRAME, 1, PEOPLE),
    "a word as y": (FRAME, "yes", PEOPLE),
}
STRANGE: dict[str, Any] = {
    "one number": (np.full(N, 7), r"\(0, 1\), got 7 in 48 of 48 rows"),
    "another class": (np.where(np.arange(N) == 3, 2, Y), r"\(0, 1\), got 2 in 1 of 48 rows"),
    "text": (Y.astype(str), r"\(0, 1\), got '[01]', '[01]' in 48 of 48 rows"),
    "objects": (Y.astype(str).astype(object), r"\(0, 1\), got '[01]', '[01]' in 48 of 48"),
    "a fraction": (np.where(np.arange(N) == 3, 0.5, Y), r"\(0, 1\), got 0\.5 in 1 of 48 rows"),
}


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("name", READERS)
def test_what_is_no_tuple_of_parts_is_refused(name: str, other: str) -> None:
    value, got = OTHERS[other]
    said = rf"^validation: expected \(X, y, sensitive_features.*\), got {got}; pass the parts"
    with pytest.raises(InputError, match=said):
        fitted(name, FRAME, Y, PEOPLE, value)


@pytest.mark.parametrize("name", READERS)
def test_no_part_is_dropped(name: str) -> None:
    most = MOST.get(name, 3)
    parts = (FRAME, Y, PEOPLE, *MORE)
    with pytest.raises(InputError, match=f"^validation: .* got {most + 1} parts"):
        fitted(name, FRAME, Y, PEOPLE, (*parts, None)[: most + 1])
    expected = answers(usual(name, held=True), people=PEOPLE)
    listed = fitted(name, FRAME, Y, PEOPLE, [FRAME, Y, PEOPLE])
    np.testing.assert_array_equal(answers(listed, people=PEOPLE), expected)
    assert np.isfinite(answers(fitted(name, FRAME, Y, PEOPLE, parts[:most]), people=PEOPLE)).all()


@pytest.mark.parametrize("name", BY_GROUP)
def test_groups_are_needed_where_training_had_them(name: str) -> None:
    for held in ((FRAME, Y), (FRAME, Y, None)):
        with pytest.raises(InputError, match=r"^validation: .* got no sensitive_features; pass"):
            fitted(name, FRAME, Y, PEOPLE, held)


@pytest.mark.parametrize("name", READERS)
def test_groups_may_be_left_out_where_training_had_none(name: str) -> None:
    two = fitted(name, FRAME, Y, None, (FRAME, Y))
    three = fitted(name, FRAME, Y, None, (FRAME, Y, None))
    np.testing.assert_array_equal(answers(two), answers(three))


@pytest.mark.parametrize("people", ["known", "unknown"])
@pytest.mark.parametrize("uneven", UNEVEN)
@pytest.mark.parametrize("name", READERS)
def test_parts_with_other_rows_are_refused(name: str, uneven: str, people: str) -> None:
    training = PEOPLE if people == "known" else None
    with pytest.raises(InputError, match=r"^validation: .*: expected .*, got .*; pass"):
        fitted(name, FRAME, Y, training, UNEVEN[uneven])


@pytest.mark.parametrize(("name", "most"), MOST.items())
def test_clusters_and_weights_with_other_rows_are_refused(name: str, most: int) -> None:
    parts = (FRAME, Y, PEOPLE, *MORE)[:most]
    for i, what in list(enumerate(("clusters", "sample_weight"), 3))[: most - 3]:
        short = tuple(part[:40] if i == at else part for at, part in enumerate(parts))
        with pytest.raises(InputError, match=f"^validation: {what}: expected 48 rows"):
            fitted(name, FRAME, Y, PEOPLE, short)


# -- labels -------------------------------------------------------------------------------------


@pytest.mark.parametrize("strange", STRANGE)
@pytest.mark.parametrize("name", READERS)
def test_labels_that_training_never_saw_are_refused(name: str, strange: str) -> None:
    y, got = STRANGE[strange]
    said = rf"^validation: y: expected labels of the training rows {got}.*; drop those rows"
    with pytest.raises(InputError, match=said):
        fitted(name, FRAME, Y, PEOPLE, (FRAME, y, PEOPLE))


@pytest.mark.parametrize("name", READERS)
def test_numbers_among_labels_of_text_are_refused(name: str) -> None:
    words = np.array(["no", "yes"])[Y]
    for kind in (str, object):
        said = r"expected labels of the training rows \('no', 'yes'\), got 0, 1 in 48|got 1, 0"
        with pytest.raises(InputError, match=said):
            fitted(name, FRAME, words.astype(kind), PEOPLE, (FRAME, Y, PEOPLE))


@pytest.mark.parametrize("y", [Y.astype(float), Y.astype(bool), Y.astype(np.int8)])
@pytest.mark.parametrize("name", READERS)
def test_the_same_labels_in_another_type_are_known(name: str, y: Any) -> None:
    model = fitted(name, FRAME, Y, PEOPLE, (FRAME, y, PEOPLE))
    expected = answers(usual(name, held=True), people=PEOPLE)
    np.testing.assert_array_equal(answers(model, people=PEOPLE), expected)


@pytest.mark.parametrize("strange", STRANGE)
@pytest.mark.parametrize("name", ["RomeEM", "RomeMoE"])
def test_losses_and_responsibilities_refuse_strange_labels(name: str, strange: str) -> None:
    y, got = STRANGE[strange]
    for ask in (usual(name).losses, usual(name).responsibilities):
        with pytest.raises(InputError, match=f"expected labels of the training rows {got}"):
            ask(FRAME, y, PEOPLE)


@pytest.mark.parametrize("name", MAKERS)
def test_a_strange_label_is_a_wrong_one_in_the_score(name: str) -> None:
    """As in scikit-learn, which refuses to compare text with numbers."""
    rome = name in ("RomeEM", "RomeMoE")
    model, given = usual(name), {"sensitive_features": PEOPLE} if rome else {}
    assert quietly(lambda: model.score(FRAME, np.full(N, 7), **given)) == 0
    with pytest.raises(ValueError, match="Mix of label input types"):
        quietly(lambda: model.score(FRAME, Y.astype(str), **given))


# -- on disk ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MAKERS)
def test_a_folder_may_be_text(name: str, tmp_path: Any) -> None:
    folder = str(tmp_path / "new" / "model")
    usual(name).save(folder)
    again = type(usual(name)).load(folder)
    np.testing.assert_allclose(answers(again, people=PEOPLE), answers(usual(name), people=PEOPLE))


@pytest.mark.parametrize("name", MAKERS)
def test_only_a_fitted_model_can_be_saved(name: str, tmp_path: Any) -> None:
    for folder in (tmp_path / "model", str(tmp_path / "model")):
        with pytest.raises(NotFittedError, match="not fitted yet"):
            MAKERS[name]().save(folder)
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("name", READERS)
def test_a_refused_fit_leaves_nothing_to_save(name: str, tmp_path: Any) -> None:
    model = MAKERS[name]()
    with pytest.raises((InputError, SpecError)):
        model.fit(FRAME, Y, sensitive_features=PEOPLE, validation="none")
    with pytest.raises(NotFittedError, match="not fitted yet"):
        model.save(str(tmp_path / "model"))


# -- audits -------------------------------------------------------------------------------------


def _audited(method: str) -> Any:
    """An audit of rows of which one, for validation, is of a class that training lacks."""
    rng = np.random.default_rng(0)
    n = 120
    X, split = rng.normal(size=(n, 2)), (np.arange(n) % 3).astype(np.int8)
    y = (X[:, 0] + rng.normal(0, 0.5, n) > 0).astype(np.int64)
    y[1] = 2
    sex = np.arange(n) // 3 % 2
    data = Arrays(
        *(X, y, "multiclass", sex[:, None].astype(float), {"sex": np.where(sex, "F", "M")}),
        *(np.arange(n) // 3 % 4, None, np.arange(n), split),
        *(("x1", "x2"), ("sex=F",), ("no", "yes", "maybe"), tuple("abcd")),
    )
    params: dict[str, Any] = {"hidden_sizes": (2,), "max_epochs": 1}
    if method.startswith("rome"):
        params = {"n_groups": 2}
    given: dict[str, Any] = {"seed": 0, "device": "cpu", "monitor": Silent(), "confidence": 0.95}
    return quietly(lambda: adapter(method, "train")(data, params, **given))


@pytest.mark.parametrize("method", ["erm", "group-dro", "decoupled", "fair-sde"])
def test_an_audit_leaves_out_validation_rows_of_a_class_without_training_rows(method: str) -> None:
    for answer in _audited(method).predictions.values():
        assert answer.score.shape == (120, 3)
        assert (answer.score[:, 2] == 0).all()


@pytest.mark.parametrize("method", ["rome-em", "fair-medl"])
def test_an_audit_by_a_method_that_needs_every_class_names_the_label(method: str) -> None:
    with pytest.raises(InputError, match=r"labels of the training rows \(0, 1\), got 2 in 1 of"):
        _audited(method)

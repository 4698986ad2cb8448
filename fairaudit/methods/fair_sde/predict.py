"""Predictions of a fitted FairSDE: chosen model, baseline, every expert, and guessed group."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils.metaestimators import available_if

from fairaudit.exceptions import InputError
from fairaudit.inputs.rows import same_rows
from fairaudit.methods.baselines.network import PooledNetwork, precision
from fairaudit.methods.common.calibration import Calibration
from fairaudit.methods.common.design import Target, check_design, softmax
from fairaudit.methods.common.groups import UNKNOWN, Groups, names_of
from fairaudit.methods.common.networks import ResNet18
from fairaudit.methods.common.row_access import in_pieces, rows_of
from fairaudit.methods.common.saliency import salient_parts
from fairaudit.methods.fair_sde.network import SelectiveExperts
from fairaudit.stats.paired_differences import Answers, Metric

Float = NDArray[np.float64]
Int = NDArray[np.int64]


@dataclass(frozen=True)
class RowAnswers:
    """One model's calibrated answers on n rows.

    Attributes
    ----------
    label : (n,) class codes in the order of `classes_`, or values
    proba : (n, C), or None for regression
    """

    label: NDArray[Any]
    proba: Float | None

    def where(self, mask: NDArray[np.bool_], other: RowAnswers) -> RowAnswers:
        """These answers on the rows of a mask, the other's elsewhere."""
        label = np.where(mask, self.label, other.label)
        if self.proba is None or other.proba is None:
            return RowAnswers(label, None)
        return RowAnswers(label, np.where(mask[:, None], self.proba, other.proba))

    def for_evidence(self) -> Answers:
        """Labels and, with two classes, the positive score."""
        two = self.proba is not None and self.proba.shape[1] == 2
        return Answers(self.label, self.proba[:, 1] if two and self.proba is not None else None)


def has_classes(model: SelectivePrediction) -> bool:
    """Whether probabilities exist.

    Raises
    ------
    AttributeError
        When the model is a regression.
    """
    if model._task() == "regression":
        raise AttributeError("a regression has no probabilities; call predict instead")
    return True


class SelectivePrediction:
    """Answers from two networks, calibrations and the choice."""

    metric: Metric
    net_: SelectiveExperts
    baseline_: PooledNetwork
    calibrations_: list[Calibration]
    channels_: tuple[Any, Any] | None
    groups_: Groups
    priors_: Float
    target_: Target
    use_expert_: NDArray[np.bool_]
    validation_answers_: dict[str, RowAnswers]

    def _task(self) -> str:
        raise NotImplementedError

    def _codes(self, proba: Float, groups: Int | None) -> Int:
        """Class codes: the likeliest class, or for balanced accuracy relative to its share."""
        if self.metric != "balanced_accuracy" or not proba.size:
            return np.asarray(proba.argmax(1), dtype=np.int64)
        prior = self.priors_[-1] if groups is None else self.priors_[groups]
        return np.asarray((proba / prior).argmax(1), dtype=np.int64)

    def _answers(self, output: Float, groups: Int | None) -> RowAnswers:
        """Labels and probabilities of calibrated outputs (n, C)."""
        if self.target_.classes is None:
            return RowAnswers(self.target_.decode(output), None)
        proba = softmax(output)
        return RowAnswers(self._codes(proba, groups), proba)

    def answer_rows(self, X: Any, groups: Int) -> dict[str, RowAnswers]:
        """Every model's answers on rows of known groups (codes; unknown ones get the baseline).

        Returns
        -------
        dict
            "selected", "expert", "baseline", and "guessed": the selected model of the group that
            the discriminator guesses.
        """
        X = check_design(self, X, reset=False)
        raw, guesses = self._forward(X)
        baseline = self._answers(self.calibrations_[-1](self._baseline_raw(X)), None)
        guess = guesses.argmax(1)
        own, other = (self._expert_answers(raw, np.maximum(g, 0)) for g in (groups, guess))
        expert = own.where(groups != UNKNOWN, baseline)
        chosen = (groups != UNKNOWN) & self.use_expert_[groups]
        return {
            "selected": expert.where(chosen, baseline),
            "expert": expert,
            "baseline": baseline,
            "guessed": other.where(self.use_expert_[guess], baseline),
        }

    def salient_parts(
        self, X: Any, groups: Int, classes: Mapping[str, Int]
    ) -> dict[str, NDArray[np.uint8]]:
        """The parts (n, h, w) of images that speak for each model's answer, see `grad_cam`.

        Parameters
        ----------
        X : (n, H, W, C) uint8
        groups : (n,) codes
            Of a group that was not seen in training, the baseline is shown for all models.
        classes : mapping
            (n,) codes of the classes answered by "expert" and "baseline"; zeros for a regression.

        Returns
        -------
        dict
            "selected", "expert" and "baseline".

        Raises
        ------
        InputError
            For a table, or an encoder without feature maps.
        """
        baseline = self.baseline_.salient_parts(X, classes["baseline"])
        body, net = self.net_.encoder, self.net_
        if not isinstance(body, ResNet18):
            raise InputError("parts of an image can be shown for encoder='resnet18' only")
        rows = rows_of(check_design(self, X, reset=False), self._place(), self.channels_)
        own = torch.as_tensor(np.maximum(groups, 0))

        def outputs(f: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
            return net.answers(f)[torch.arange(len(f)), own[index].to(f.device)]

        known = (groups != UNKNOWN)[:, None, None]
        expert = np.where(known, salient_parts(rows, body, outputs, classes["expert"]), baseline)
        chosen = known & self.use_expert_[groups][:, None, None]
        selected = np.where(chosen, expert, baseline)
        return {"selected": selected, "expert": expert, "baseline": baseline}

    def _expert_answers(self, raw: Float, groups: Int) -> RowAnswers:
        """Each row's answer by the expert of a group."""
        output = raw[np.arange(len(raw)), groups]
        for g, calibration in enumerate(self.calibrations_[:-1]):
            output[groups == g] = calibration(output[groups == g])
        return self._answers(output, groups)

    def _forward(self, X: NDArray[Any]) -> tuple[Float, Float]:
        """Experts' outputs (n, G, C) and the discriminator's logits (n, G)."""
        rows = rows_of(X, self._place(), self.channels_, precision(self.net_))
        both = in_pieces(rows, self.net_.eval()).numpy()
        g, c = self.net_.n_groups, self.net_.n_outputs
        return both[:, : g * c].reshape(-1, g, c), both[:, g * c :]

    def _baseline_raw(self, X: NDArray[Any]) -> Float:
        net = self.baseline_.net_
        return self.baseline_.outputs(rows_of(X, self._place(), self.channels_, precision(net)))

    def _place(self) -> torch.device:
        return next(self.net_.parameters()).device

    def _group_codes(self, sensitive: Any, guesses: Float, n: int) -> Int:
        if sensitive is None:
            return np.asarray(guesses.argmax(1), dtype=np.int64)
        codes = self.groups_.codes(sensitive, n)
        if (codes == UNKNOWN).any():
            warnings.warn(
                f"{int((codes == UNKNOWN).sum())} rows belong to a group that was not seen in "
                "training; the baseline predicts for them",
                UserWarning,
                stacklevel=3,
            )
        return codes

    def _outputs(self, X: Any, sensitive: Any) -> tuple[Float, Int]:
        """Calibrated outputs of the chosen model (n, C) and the group whose expert gave it.

        The group is `UNKNOWN` where the baseline answered.
        """
        same_rows(X=X, sensitive_features=sensitive)
        X = check_design(self, X, reset=False)
        raw, guesses = self._forward(X)
        codes = self._group_codes(sensitive, guesses, len(X))
        used = (codes != UNKNOWN) & self.use_expert_[codes]
        output = self.calibrations_[-1](self._baseline_raw(X))
        for g in np.flatnonzero(self.use_expert_):
            rows = used & (codes == g)
            output[rows] = self.calibrations_[g](raw[rows, g])
        return output, np.where(used, codes, UNKNOWN)

    def predict(self, X: Any, sensitive_features: Any = None) -> NDArray[Any]:
        """Labels, or values, (n,) of the model chosen for each row's group.

        Without `sensitive_features` the discriminator guesses the group; rows of a group that
        was not seen in training get the baseline, with a warning.
        """
        output, used = self._outputs(X, sensitive_features)
        if self.target_.classes is None:
            return self.target_.decode(output)
        proba = softmax(output)
        codes = np.where(
            used == UNKNOWN, self._codes(proba, None), self._codes(proba, np.maximum(used, 0))
        )
        return np.asarray(self.target_.classes[codes])

    @available_if(has_classes)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any, sensitive_features: Any = None) -> Float:
        """Calibrated probabilities (n, C) of the model chosen for each row's group."""
        return softmax(self._outputs(X, sensitive_features)[0])

    def predict_baseline(self, X: Any) -> NDArray[Any]:
        """The pooled baseline's labels or values (n,)."""
        X = check_design(self, X, reset=False)
        output = self.calibrations_[-1](self._baseline_raw(X))
        return self._decoded(output, None)

    @available_if(has_classes)  # type: ignore[untyped-decorator]
    def predict_baseline_proba(self, X: Any) -> Float:
        """The pooled baseline's calibrated probabilities (n, C)."""
        X = check_design(self, X, reset=False)
        return softmax(self.calibrations_[-1](self._baseline_raw(X)))

    def predict_experts(self, X: Any) -> NDArray[Any]:
        """Every expert's labels or values (n, G), in the order of `groups_.names`."""
        X = check_design(self, X, reset=False)
        raw, _ = self._forward(X)
        columns = [
            self._decoded(self.calibrations_[g](raw[:, g]), np.full(len(X), g))
            for g in range(raw.shape[1])
        ]
        return np.column_stack(columns)

    @available_if(has_classes)  # type: ignore[untyped-decorator]
    def predict_experts_proba(self, X: Any) -> Float:
        """Every expert's calibrated probabilities (n, G, C)."""
        raw, _ = self._forward(check_design(self, X, reset=False))
        return np.stack(
            [softmax(self.calibrations_[g](raw[:, g])) for g in range(raw.shape[1])], axis=1
        )

    def predict_group(self, X: Any) -> NDArray[np.str_]:
        """The discriminator's guess of the group (n,)."""
        _, guesses = self._forward(check_design(self, X, reset=False))
        return np.array(names_of(self.groups_, guesses.argmax(1)))

    def _decoded(self, output: Float, groups: Int | None) -> NDArray[Any]:
        if self.target_.classes is None:
            return self.target_.decode(output)
        return np.asarray(self.target_.classes[self._codes(softmax(output), groups)])

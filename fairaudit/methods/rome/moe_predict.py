"""Predictions of a fitted mixture of experts: values, classes, membership, losses."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from fairaudit.exceptions import InputError
from fairaudit.inputs.read import read_columns
from fairaudit.inputs.rows import same_rows
from fairaudit.methods.common.class_scores import score
from fairaudit.methods.common.design import Target, check_design, checked_y, numbers_of
from fairaudit.methods.rome.answers import softmax
from fairaudit.methods.rome.design import Float, Scale, SensitivePart
from fairaudit.methods.rome.moe_network import StackedMixture
from fairaudit.methods.rome.scoring import Scoring

BLOCK = 65_536  # rows answered at a time
TINY = 1e-300


def _classifies(estimator: Any) -> bool:
    """Whether there are probabilities to predict."""
    target = getattr(estimator, "target_", None)
    return bool(estimator.task != "regression" and (target is None or target.classes is not None))


class MoEPredictions(BaseEstimator):  # type: ignore[misc]
    """The predicting half of RomeMoE."""

    task: str
    gate_inputs: str
    n_features_in_: int
    target_: Target
    noise_: float
    _net: StackedMixture
    _scale: Scale
    _gate_part: SensitivePart
    _outcome_part: SensitivePart

    def _inputs(self, X: Float, sensitive: Any) -> tuple[Tensor, Tensor]:
        """Inputs of experts (n, p) and gate (n, q)."""
        scaled = self._scale.apply(X)
        extra = self._outcome_part.transform(sensitive, len(X))
        gate = self._gate_part.transform(sensitive, len(X))
        if self.gate_inputs == "all":
            gate = np.column_stack([scaled, gate])
        expert = np.column_stack([scaled, extra])
        return (
            torch.as_tensor(expert, dtype=torch.float32),
            torch.as_tensor(gate, dtype=torch.float32),
        )

    @torch.no_grad()
    def _blocks(self, expert: Tensor, gate: Tensor) -> tuple[Float, Float]:
        """Membership (M, n, K) and expert outputs (M, n, K, C)."""
        members = self._net.shape[0]
        blocks = [
            (
                self._net.gate(s.expand(members, -1, -1)).exp().cpu().numpy(),
                self._net.experts(x.expand(members, -1, -1)).cpu().numpy(),
            )
            for x, s in zip(expert.split(BLOCK), gate.split(BLOCK), strict=True)
        ]
        gates, outputs = (np.concatenate(arrays, axis=1) for arrays in zip(*blocks, strict=True))
        return gates.astype(np.float64), outputs.astype(np.float64)

    def _answers(self, X: Any, sensitive: Any) -> tuple[Float, Float]:
        """Membership (M, n, K); values in units of y, or class probabilities, (M, n, K, C)."""
        check_is_fitted(self, "group_weights_")
        same_rows(X=X, sensitive_features=sensitive)
        X = check_design(self, X, reset=False, dtype=np.float64)
        if sensitive is None and self._gate_part.width:
            raise InputError("this model was fitted with sensitive_features; pass them")
        device = next(self._net.parameters()).device
        expert, gate = self._inputs(X, sensitive)
        member, outputs = self._blocks(expert.to(device), gate.to(device))
        if self.target_.classes is None:
            return member, outputs * self.target_.scale + self.target_.centre
        return member, softmax(outputs)

    def _mixed(self, X: Any, sensitive: Any) -> Float:
        member, outputs = self._answers(X, sensitive)
        return np.asarray(np.einsum("mnk,mnkc->nc", member, outputs) / len(member))

    def predict(self, X: Any, sensitive_features: Any = None) -> NDArray[Any]:
        """Values or classes (n,)."""
        mixed = self._mixed(X, sensitive_features)
        if self.target_.classes is None:
            return np.asarray(mixed[:, 0])
        return np.asarray(self.target_.classes[mixed.argmax(axis=1)])

    @available_if(_classifies)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any, sensitive_features: Any = None) -> Float:
        """Class probabilities (n, C)."""
        return self._mixed(X, sensitive_features)

    def predict_groups(self, X: Any, sensitive_features: Any = None) -> Float:
        """Each expert's answer: (n, K) values or positive-class probabilities, else (n, K, C)."""
        outputs = self._answers(X, sensitive_features)[1].mean(axis=0)
        if outputs.shape[2] == 1:
            return np.asarray(outputs[:, :, 0])
        return np.asarray(outputs[:, :, 1]) if outputs.shape[2] == 2 else outputs

    def predict_membership(self, sensitive_features: Any, X: Any = None) -> Float:
        """Membership before y is seen (n, K); with gate_inputs="all" X is needed too.

        Raises
        ------
        InputError
            When `sensitive_features` is missing, or X where the gate needs it.
        """
        check_is_fitted(self, "group_weights_")
        if X is None and self.gate_inputs == "all":
            raise InputError("the gate of this model sees the features too; pass X")
        if sensitive_features is None:
            raise InputError("membership follows from sensitive_features; pass them")
        same_rows(X=X, sensitive_features=sensitive_features)
        sensitive = read_columns(sensitive_features, "sensitive_features")
        blank = np.zeros((sensitive.n, self.n_features_in_)) if X is None else X
        return np.asarray(self._answers_gate(blank, sensitive))

    def _answers_gate(self, X: Any, sensitive: Any) -> Float:
        inputs = self._gate_part.transform(sensitive, len(X))
        if self.gate_inputs == "all":
            design = check_design(self, X, reset=False, dtype=np.float64)
            inputs = np.column_stack([self._scale.apply(design), inputs])
        device = next(self._net.parameters()).device
        gate = torch.as_tensor(inputs, dtype=torch.float32).to(device)
        members = self._net.shape[0]
        with torch.no_grad():
            membership = self._net.gate(gate.expand(members, -1, -1)).exp()
        return np.asarray(membership.mean(0).cpu().numpy().astype(np.float64))

    def responsibilities(self, X: Any, y: Any, sensitive_features: Any = None) -> Float:
        """P(expert | everything, y too), (n, K); errors taken as normal with variance noise_."""
        same_rows(X=X, y=y)
        member, outputs = self._answers(X, sensitive_features)
        prior, answers = member.mean(axis=0), outputs.mean(axis=0)
        if self.target_.classes is None:
            values = self.codes(y, len(answers))[:, None]
            density = -0.5 * np.square(values - answers[:, :, 0]) / self.noise_
        else:
            codes = self.codes(y, len(answers))
            density = np.log(np.maximum(answers[np.arange(len(codes)), :, codes], TINY))
        return softmax(np.log(np.maximum(prior, TINY)) + density)

    def losses(self, X: Any, y: Any, sensitive_features: Any = None) -> Float:
        """Squared error or log loss of each row (n,)."""
        same_rows(X=X, y=y)
        mixed = self._mixed(X, sensitive_features)
        if self.target_.classes is None:
            return np.square(self.codes(y, len(mixed)) - mixed[:, 0])
        codes = self.codes(y, len(mixed))
        return np.asarray(-np.log(np.maximum(mixed[np.arange(len(codes)), codes], 1e-12)))

    def scoring(self, X: Any, sensitive_features: Any = None) -> Scoring:
        """The model's predictions for rows before y is seen, from which any outcome is scored."""
        member, outputs = self._answers(X, sensitive_features)  # (M, n, K) and (M, n, K, C)
        n, count = member.shape[1], member.shape[0] * member.shape[2]
        gate = member.transpose(1, 0, 2).reshape(n, count) / len(member)
        answers = outputs.transpose(1, 0, 2, 3).reshape(n, count, -1)
        values = self.target_.classes is None
        noise = np.full(count, self.noise_) if values else None
        loss = "squared" if values else "log"
        return Scoring(answers, gate, gate, member.mean(axis=0), noise, loss)

    def codes(self, y: Any, n: int) -> NDArray[Any]:
        """Values, or class codes, of n rows.

        Raises
        ------
        InputError
            When y has another length, holds missing values, or a class not seen in training.
        """
        if self.target_.classes is None:
            return numbers_of(checked_y(y, n))
        return self.target_.encode(y, n)

    def score(
        self, X: Any, y: Any, sample_weight: Any = None, sensitive_features: Any = None
    ) -> float:
        """R² or accuracy of `predict`."""
        return score(self, X, y, sample_weight, sensitive_features=sensitive_features)

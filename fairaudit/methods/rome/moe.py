"""ROME with neural experts: a gate on sensitive attributes, experts that never see them."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from fairaudit.exceptions import InputError, SpecError
from fairaudit.inputs.read import read_columns
from fairaudit.inputs.rows import same_rows
from fairaudit.inputs.target import read_target
from fairaudit.inputs.validation import PARTS, in_validation, read_validation
from fairaudit.methods.common.class_scores import estimator_tags, state_of_target, target_of_state
from fairaudit.methods.common.design import Target, check_design, checked_weight, checked_y
from fairaudit.methods.common.progress import Monitor
from fairaudit.methods.common.storage import load_state, save_state, with_learnt
from fairaudit.methods.common.training import Batches, Fit, pick_device, train
from fairaudit.methods.rome.design import (
    ColumnChoice,
    Float,
    Scale,
    SensitivePart,
    at_least,
    positions,
    task_of,
    whole,
)
from fairaudit.methods.rome.moe_losses import Worst, entropy, imbalance, row_losses, weighted_mean
from fairaudit.methods.rome.moe_network import StackedMixture
from fairaudit.methods.rome.moe_predict import MoEPredictions
from fairaudit.methods.rome.state import plain

FORMS = ("soft", "hard", "group")
INPUTS = ("sensitive", "all")
COUNTS = ("n_groups", "n_members", "hidden_size", "gate_hidden_size", "max_epochs", "batch_size")
DEAD = 0.01  # mean membership below which an expert counts as dead

VALIDATION = (*PARTS, "clusters", "sample_weight")


@dataclass(frozen=True)
class _Rows:
    """Standardised rows on the device."""

    expert: Tensor  # (n, p)
    gate: Tensor  # (n, q)
    target: Tensor  # (n,) float32 or int64
    weight: Tensor  # (n,)


class RomeMoE(MoEPredictions):
    """Robust mixture of neural experts.

    A gate network weighs expert networks; the loss is (1 - alpha) times the mean loss plus alpha
    times that of the worst expert's rows. Each network is Linear, ReLU, Linear.

    Parameters
    ----------
    n_groups : int, default 4
        Number of experts.
    gate_inputs : {"sensitive", "all"}, default "sensitive"
        What the gate sees: sensitive attributes, or features too.
    dro : {"soft", "hard", "group"}, default "soft"
        Form of the worst group: rows weighted by membership (above 0.1), rows given to their
        likeliest expert without gradient, or weights moved by exponentiated gradient.
    alpha : float, default 0.05
        Weight of the worst group; 0 trains on the mean loss only.
    hidden_size, gate_hidden_size : int
    learning_rate, max_epochs, batch_size : as everywhere
    n_members : int, default 1
        Networks with different seeds, trained as one batch; their answers are averaged.
    outcome_sensitive : bool or list of columns, default False
        Sensitive columns that experts may see.
    dropout, weight_decay : float
    balance : float, default 0
        Weight of a penalty on unequal use of the experts.
    gate_entropy : float, default 0
        Weight of a reward for undecided membership.
    group_step : float, default 0.01
        Step size of the group weights with dro="group".
    task : {"auto", "regression", "classification"}
    device : {"auto", "cpu", "cuda"}
    random_state : int, RandomState or None

    Attributes
    ----------
    group_weights_ : (K,) mean membership on training rows
    noise_ : float, mean squared error on training rows (regression)
    history_ : list of dict, one an epoch: loss, worst, and the share of each expert
    warnings_ : list of str
    classes_ : (C,) (classification)

    References
    ----------
    Li, Liu, Tian, Hong, Liu: Robust Mixture Models for Algorithmic Fairness Under Latent
    Heterogeneity, arXiv 2509.17411, section on ROME-MoE.
    """

    def __init__(
        self,
        n_groups: int = 4,
        *,
        gate_inputs: str = "sensitive",
        dro: str = "soft",
        alpha: float = 0.05,
        hidden_size: int = 64,
        gate_hidden_size: int = 16,
        learning_rate: float = 1e-3,
        max_epochs: int = 30,
        batch_size: int = 64,
        n_members: int = 1,
        outcome_sensitive: ColumnChoice = False,
        dropout: float = 0.0,
        weight_decay: float = 0.0,
        balance: float = 0.0,
        gate_entropy: float = 0.0,
        group_step: float = 0.01,
        task: str = "auto",
        device: str = "auto",
        random_state: Any = None,
    ) -> None:
        self.n_groups = n_groups
        self.gate_inputs = gate_inputs
        self.dro = dro
        self.alpha = alpha
        self.hidden_size = hidden_size
        self.gate_hidden_size = gate_hidden_size
        self.learning_rate = learning_rate
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.n_members = n_members
        self.outcome_sensitive = outcome_sensitive
        self.dropout = dropout
        self.weight_decay = weight_decay
        self.balance = balance
        self.gate_entropy = gate_entropy
        self.group_step = group_step
        self.task = task
        self.device = device
        self.random_state = random_state

    def fit(
        self,
        X: Any,
        y: Any,
        *,
        sensitive_features: Any = None,
        clusters: Any = None,
        sample_weight: Any = None,
        validation: tuple[Any, ...] | None = None,
        monitor: Monitor | None = None,
    ) -> Self:
        """Train gate and experts.

        Parameters
        ----------
        X : (n, p), y : (n,), sensitive_features : (n, q), sample_weight : (n,)
        clusters : ignored
        validation : (X, y, sensitive_features, clusters, sample_weight), optional
            Keeps the epoch with the smallest value of the trained objective on these rows: the
            robust part counts by `alpha` as in training.

        Raises
        ------
        SpecError
            When a parameter is impossible.
        InputError
            When rows cannot be used, `validation` is no such tuple, or a label in it was not in
            the training rows.
        TrainingError
            When the loss is not finite.
        """
        self._check_params()
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        counts = [int(self.n_groups)] * int(self.n_members)
        seeds = [seed + i for i in range(len(counts))]
        rows = self._learn_rows(X, y, sensitive_features, sample_weight)
        groups = sensitive_features is not None
        validation_rows = (
            None if validation is None else self._validation_rows(validation, groups=groups)
        )
        self._net, fit = self._train(rows, validation_rows, counts, seeds, monitor)
        self._settle(rows, fit)
        for text in self.warnings_:
            warnings.warn(text, ConvergenceWarning, stacklevel=2)
        return self

    @classmethod
    def fit_counts(
        cls,
        X: Any,
        y: Any,
        *,
        sensitive_features: Any = None,
        n_groups: Iterable[int] = range(1, 9),
        monitor: Monitor | None = None,
        **params: Any,
    ) -> dict[int, RomeMoE]:
        """One model for each number of groups, all trained as one batch.

        Raises
        ------
        SpecError
            When `n_groups` is empty, or a parameter is out of its range.
        """
        sizes = [whole("n_groups", g) for g in n_groups]
        if not sizes:
            raise SpecError("n_groups: name at least one number of groups, from 1 up")
        model = cls(max(sizes), **params)
        model._check_params()
        seed = int(check_random_state(model.random_state).randint(2**31 - 1))
        rows = model._learn_rows(X, y, sensitive_features, None)
        net, fit = model._train(rows, None, sizes, [seed] * len(sizes), monitor)
        return {g: model._member(i, g, net, rows, fit) for i, g in enumerate(sizes)}

    def _member(
        self, place: int, count: int, net: StackedMixture, rows: _Rows, fit: Fit
    ) -> RomeMoE:
        """A model of its own from one member of a batch."""
        member = RomeMoE(**{**self.get_params(), "n_groups": count, "n_members": 1})
        learnt = {k: v for k, v in vars(self).items() if k not in self.get_params()}
        member.__dict__.update(learnt)
        member._net = member._blank_net([count], [0]).to(rows.expert.device)
        member._net.load_state_dict(_member_weights(net, place, count, int(self.hidden_size)))
        member._settle(rows, fit)
        return member

    def _check_params(self) -> None:
        if self.dro not in FORMS:
            raise SpecError(f"dro={self.dro!r} is not known; choose one of {FORMS}")
        if self.gate_inputs not in INPUTS:
            raise SpecError(f"gate_inputs={self.gate_inputs!r}; choose one of {INPUTS}")
        if not 0 <= self.alpha <= 1:
            raise SpecError(f"alpha={self.alpha}; choose a number from 0 to 1")
        if not 0 <= self.dropout < 1:
            raise SpecError(f"dropout={self.dropout}; choose a number from 0 up, below 1")
        for name in COUNTS:
            whole(name, getattr(self, name))
        at_least("learning_rate", self.learning_rate, above=True)
        for name in ("weight_decay", "balance", "gate_entropy", "group_step"):
            at_least(name, getattr(self, name))

    # -- rows ------------------------------------------------------------------------------

    def _learn_rows(self, X: Any, y: Any, sensitive: Any, sample_weight: Any) -> _Rows:
        same_rows(X=X, y=y, sensitive_features=sensitive, sample_weight=sample_weight)
        X = check_design(self, X, reset=True, dtype=np.float64)
        n = len(X)
        y = checked_y(y, n)
        if X.ndim != 2:
            raise InputError("RomeMoE needs a table; for images choose FairSDE")
        kind = task_of(y, self.task)
        self.target_ = Target.fit(
            _as_classes(y, kind), n, "regression" if kind == "regression" else "multiclass"
        )
        if self.target_.classes is not None:
            self.classes_ = self.target_.classes
        weight = checked_weight(sample_weight, n)
        weight = np.ones(n) if weight is None else weight
        if sensitive is not None:
            sensitive = read_columns(sensitive, "sensitive_features", n)
        names = () if sensitive is None else sensitive.named()
        self._gate_part = SensitivePart.fit(sensitive, n, positions(None, names, "gate"), weight)
        self._outcome_part = SensitivePart.fit(
            sensitive, n, positions(self.outcome_sensitive, names, "outcome_sensitive"), weight
        )
        self._scale = Scale.fit(X, weight)
        return self._on_device(X, y, sensitive, weight)

    def _validation_rows(self, validation: Any, *, groups: bool) -> _Rows:
        rows = read_validation(validation, VALIDATION, groups=groups)
        with in_validation():
            X = check_design(self, rows.X, reset=False, dtype=np.float64)
            weight = checked_weight(rows.sample_weight, len(X))
            weight = np.ones(len(X)) if weight is None else weight
            return self._on_device(X, rows.y, rows.sensitive_features, weight)

    def _on_device(self, X: Float, y: Any, sensitive: Any, weight: Float) -> _Rows:
        expert, gate = self._inputs(X, sensitive)
        kind = "regression" if self.target_.classes is None else "classification"
        target = self.target_.encode(_as_classes(y, kind), len(X))
        device = pick_device(self.device)
        single = torch.as_tensor(weight, dtype=torch.float32)
        return _Rows(
            expert.to(device),
            gate.to(device),
            torch.as_tensor(target).to(device),
            single.to(device),
        )

    # -- training --------------------------------------------------------------------------

    def _blank_net(self, counts: Sequence[int], seeds: Sequence[int]) -> StackedMixture:
        n_expert = len(self._scale.centre) + self._outcome_part.width
        n_gate = self._gate_part.width
        n_gate += len(self._scale.centre) if self.gate_inputs == "all" else 0
        return StackedMixture(
            seeds,
            counts,
            n_expert,
            n_gate,
            int(self.hidden_size),
            int(self.gate_hidden_size),
            self.target_.n_outputs,
            self.dropout,
        )

    def _train(
        self,
        rows: _Rows,
        validation_rows: _Rows | None,
        counts: Sequence[int],
        seeds: Sequence[int],
        monitor: Monitor | None,
    ) -> tuple[StackedMixture, Fit]:
        device = rows.expert.device
        net = self._blank_net(counts, seeds).to(device)
        optimiser = torch.optim.AdamW(
            net.parameters(),
            lr=self.learning_rate,
            weight_decay=self.weight_decay,
            foreach=True,
        )
        q = net.active[:, 0].float() / net.active[:, 0].sum(1, keepdim=True)
        worst = Worst(self.dro, self.group_step, q)
        torch.manual_seed(seeds[0])  # dropout draws from the global generator

        def step(index: Tensor) -> dict[str, Tensor]:
            optimiser.zero_grad(set_to_none=True)
            losses = self._losses(net, worst, rows, index)
            losses["total"].sum().backward()
            optimiser.step()
            return {name: value.detach().mean(0) for name, value in losses.items()}

        def validate() -> dict[str, float]:
            assert validation_rows is not None
            index = torch.arange(len(validation_rows.weight), device=device).expand(
                len(counts), -1
            )
            losses = self._losses(net, worst, validation_rows, index, learning=False)
            return {"loss": float(losses["total"].mean())}

        fit = train(
            net,
            lambda index: _scalars(step(index)),
            _shuffled_batches(len(rows.weight), int(self.batch_size), seeds, device),
            max_epochs=int(self.max_epochs),
            seed=seeds[0],
            validate=None if validation_rows is None else validate,
            monitor=monitor,
            task="mixture of experts",
        )
        return net, fit

    def _row_losses(
        self, net: StackedMixture, rows: _Rows, index: Tensor
    ) -> tuple[Tensor, Tensor]:
        log_gate = net.gate(rows.gate[index])
        outputs = net.experts(rows.expert[index])
        return row_losses(log_gate, outputs, rows.target[index]), log_gate

    def _losses(
        self,
        net: StackedMixture,
        worst: Worst,
        rows: _Rows,
        index: Tensor,
        *,
        learning: bool = True,
    ) -> dict[str, Tensor]:
        """Total loss and its parts, (M,) each, and the share of every expert (M, K)."""
        loss, log_gate = self._row_losses(net, rows, index)
        weight = rows.weight[index]
        mean = weighted_mean(loss, weight)
        robust = worst(loss, log_gate, weight, learning=learning)
        total = (1 - self.alpha) * mean + self.alpha * robust
        if self.balance:
            total = total + self.balance * imbalance(log_gate, weight)
        if self.gate_entropy:
            total = total - self.gate_entropy * entropy(log_gate, weight)
        return {"total": total, "loss": mean, "worst": robust, "share": log_gate.exp().mean(1)}

    def _settle(self, rows: _Rows, fit: Fit) -> None:
        """Number the experts alike in all members; `warnings_` names those that died."""
        net = self._net.eval()
        self.history_ = [dict(epoch) for epoch in fit.history]
        gate = self._blocks(rows.expert, rows.gate)[0]  # (M, n, K)
        for member in range(1, len(gate)):
            order = _matched_experts(gate[0], gate[member])
            net.reorder(member, torch.as_tensor(order, device=rows.gate.device))
            gate[member] = gate[member][:, order]
        weight = rows.weight.cpu().numpy()
        self.group_weights_ = np.asarray(weight @ gate.mean(axis=0) / weight.sum())
        self.noise_ = self._error(rows)
        shares = np.einsum("n,mnk->mk", weight / weight.sum(), gate)
        self.warnings_ = [
            f"expert {k + 1} died: it answers for {shares[:, k].min():.2%} of the rows; use fewer "
            "groups, or set balance above 0"
            for k in range(gate.shape[2])
            if shares[:, k].min() < DEAD
        ]

    def _error(self, rows: _Rows) -> float:
        """Mean squared error of the mixture on training rows, in units of y; 1 for classes."""
        if self.target_.classes is not None:
            return 1.0
        gate, outputs = self._blocks(rows.expert, rows.gate)
        mixed = np.einsum("mnk,mnkc->n", gate, outputs) / len(gate)
        weight, target = rows.weight.cpu().numpy(), rows.target.cpu().numpy()
        error = float(weight @ np.square(mixed - target) / weight.sum())
        return max(error, 1e-12) * self.target_.scale**2

    # -- storage ---------------------------------------------------------------------------

    def save(self, folder: str | Path) -> None:
        """Write the fitted model: arrays as safetensors, the rest as JSON.

        Raises
        ------
        NotFittedError
            Before `fit`.
        """
        check_is_fitted(self, "group_weights_")
        meta = {
            "params": plain(self.get_params()),
            "gate": self._gate_part.state(),
            "outcome": self._outcome_part.state(),
            "history": self.history_,
            "noise": self.noise_,
            "warnings": self.warnings_,
            **state_of_target(
                self.target_, self.row_shape_, getattr(self, "feature_names_in_", None)
            ),
        }
        arrays = {f"net.{k}": v.cpu().numpy() for k, v in self._net.state_dict().items()}
        arrays["centre"], arrays["scale"] = self._scale.centre, self._scale.scale
        arrays["group_weights"] = self.group_weights_
        save_state(folder, "RomeMoE", meta, arrays)

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read what `save` wrote.

        Raises
        ------
        IntegrityError
            When files are missing, damaged or of another estimator.
        """
        meta, arrays = load_state(folder, "RomeMoE")
        model = cls(**meta["params"])
        with_learnt(model, target_of_state(meta))
        model._gate_part = SensitivePart.restore(meta["gate"])
        model._outcome_part = SensitivePart.restore(meta["outcome"])
        model._scale = Scale(arrays["centre"], arrays["scale"])
        model.group_weights_, model.noise_ = arrays["group_weights"], meta["noise"]
        model.history_, model.warnings_ = meta["history"], meta["warnings"]
        count = int(model.n_groups)
        model._net = model._blank_net([count] * int(model.n_members), [0] * int(model.n_members))
        state = {k[4:]: torch.as_tensor(v) for k, v in arrays.items() if k.startswith("net.")}
        model._net.load_state_dict(state)
        model._net.eval().to(pick_device(model.device))
        return model

    def __sklearn_tags__(self) -> Any:
        task = "multiclass" if self.task == "classification" else self.task
        return estimator_tags(super().__sklearn_tags__(), task)


def _as_classes(y: Any, kind: str) -> Any:
    """y as it is for a regression; whole floats as integers, so that they are classes."""
    values = read_target(y)
    if kind == "classification" and values.dtype.kind == "f" and np.isfinite(values).all():
        return values.astype(np.int64) if (values % 1 == 0).all() else values
    return y


def _shuffled_batches(
    n: int, batch_size: int, seeds: Sequence[int], device: torch.device
) -> Batches[Tensor]:
    """Batches of row numbers (M, b): every member has an order of its own, fixed by its seed."""
    chance = [torch.Generator().manual_seed(s) for s in seeds]

    def batches(_: torch.Generator) -> Iterable[Tensor]:
        order = torch.stack([torch.randperm(n, generator=g) for g in chance]).to(device)
        orders = list(order.split(batch_size, dim=1))
        if len(orders) > 1 and orders[-1].shape[1] == 1:
            orders[-2:] = [torch.cat(orders[-2:], dim=1)]
        return orders

    return batches


def _scalars(losses: dict[str, Tensor]) -> dict[str, Tensor]:
    """Metrics of one step; the shares of experts one by one."""
    share = losses.pop("share")
    return {**losses, **{f"share_{k + 1}": share[k] for k in range(len(share))}}


def _matched_experts(first: Float, second: Float) -> NDArray[np.int64]:
    """Order of another member's experts that agrees best with the first member's membership."""
    return np.asarray(linear_sum_assignment(-(first.T @ second))[1], dtype=np.int64)


def _member_weights(net: StackedMixture, place: int, count: int, hidden: int) -> dict[str, Tensor]:
    """The weights of one member, without the experts that it lacks."""
    state = {k: v[place : place + 1].clone() for k, v in net.state_dict().items()}
    for name in ("w1", "b1"):
        state[name] = state[name][..., : count * hidden]
    for name in ("w2", "b2"):
        state[name] = state[name][:, :count]
    for name in ("v2", "c2", "active"):
        state[name] = state[name][..., :count]
    return state

"""FairSDE: an expert for each group, a pooled baseline, and the choice that harms no group."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from fairaudit.exceptions import SpecError
from fairaudit.inputs.arrays import is_integer
from fairaudit.inputs.read import read_columns
from fairaudit.inputs.rows import same_rows
from fairaudit.inputs.validation import PARTS, in_validation, read_validation
from fairaudit.methods.baselines.network import PooledNetwork, as_target, at_rest
from fairaudit.methods.common.calibration import Calibration, cross_calibrated, fit_calibration
from fairaudit.methods.common.class_scores import estimator_tags, score
from fairaudit.methods.common.design import Target, check_design
from fairaudit.methods.common.groups import UNKNOWN, Groups
from fairaudit.methods.common.networks import channels_last, load_weights, make_encoder
from fairaudit.methods.common.progress import Monitor, Silent
from fairaudit.methods.common.row_access import channel_statistics, rows_of
from fairaudit.methods.common.storage import load_state, save_state, with_learnt
from fairaudit.methods.common.training import Fit, pick_device
from fairaudit.methods.common.training_recipe import history_rows, recipe_of
from fairaudit.methods.fair_sde.network import (
    DeviceRows,
    Objective,
    SelectiveExperts,
    train_jointly,
    train_staged,
)
from fairaudit.methods.fair_sde.predict import RowAnswers, SelectivePrediction
from fairaudit.methods.fair_sde.rows import SplitRows, class_shares, divide, split_rows
from fairaudit.methods.fair_sde.state import fill, learnt_attributes, stored_form
from fairaudit.methods.no_harm_table import ChoiceRules, decide, summary_of
from fairaudit.stats.paired_differences import evidence

KIND = "FairSDE"

Float = NDArray[np.float64]
Int = NDArray[np.int64]


class FairSDE(SelectivePrediction, BaseEstimator):  # type: ignore[misc]
    """Selective demographic experts (Tan et al., AAAI 2026, arXiv 2511.06293).

    A shared encoder is trained with an expert for each group and three losses that push groups
    apart; a pooled baseline is trained beside it with the same budget. On validation rows each
    group then gets the expert or the baseline, so that no group is harmed.

    Parameters
    ----------
    encoder : {"auto", "mlp", "resnet18"}
    objective : {"min_gap", "max_min", "max_mean"}
        See `choose_no_harm`.
    metric : {"accuracy", "balanced_accuracy", "auroc", "neg_mse"}
        What is compared. "neg_mse" makes a regression.
    confidence : float or None
        Chance that no group at all is harmed; None compares point estimates (the paper's rule).
    tolerance : float
        Harm that is tolerated, in units of the metric.
    lambdas : (λ1, λ2, λ3)
        Weights of discriminator, centre and divergence loss.
    training : {"joint", "staged"}
        All losses at once, or the representation first and the experts on the frozen encoder.
    max_epochs, batch_size, learning_rate, weight_decay, patience, augment, hidden_sizes
        As in `PooledNetwork`; baseline and experts use the same.
    min_group_rows : int
        Intersections of several attributes with fewer training rows join the coarser group.
    calibrate : bool
        Fit temperature and class offsets of both models on validation rows; the choice itself
        uses answers calibrated on other rows.
    legacy_centres : bool
        Reproduce the authors' placement of the temperature in the divergence loss.
    pretrained : str or None
        Weights file for the ResNet-18 encoders (torchvision's names).
    validation_share : float
        Share of the rows kept for validation when none are passed.
    task : {"auto", "binary", "multiclass", "regression"}
        "auto" is regression exactly when metric is "neg_mse".
    device : {"auto", "cpu", "cuda"}
    random_state : int or None

    Attributes
    ----------
    selection_ : polars.DataFrame
        group, n, baseline, expert, difference, lower, upper, admissible, chosen, verdict, reason
        (a code) and the numbers behind them, one row per group, on validation rows;
        `fairaudit.text.sentences.choice_reasons.with_reasons` puts the reasons into sentences.
    choice_ : NoHarmChoice
    use_expert_ : (G,) bool
    groups_ : Groups
        Names of the groups and what joined which.
    classes_ : (C,) array, absent for regression
    baseline_ : PooledNetwork
    history_ : list of dict
        part, epoch, metric, value. The divergence loss is far below zero: that is normal.
    warnings_ : list of str

    Notes
    -----
    At prediction the group is needed. A group not seen in training gets the baseline, with a
    warning. Without `sensitive_features` the discriminator guesses the group.
    """

    def __init__(
        self,
        encoder: Literal["auto", "mlp", "resnet18"] = "auto",
        objective: Literal["min_gap", "max_min", "max_mean"] = "max_min",
        metric: Literal["accuracy", "balanced_accuracy", "auroc", "neg_mse"] = "accuracy",
        confidence: float | None = 0.95,
        tolerance: float = 0.0,
        lambdas: tuple[float, float, float] = (0.1, 0.1, 0.1),
        training: Literal["joint", "staged"] = "joint",
        max_epochs: int = 50,
        batch_size: int | None = None,
        learning_rate: float = 0.05,
        weight_decay: float = 1e-4,
        patience: int | None = 10,
        augment: bool = True,
        hidden_sizes: tuple[int, ...] = (128, 64),
        min_group_rows: int = 50,
        calibrate: bool = True,
        legacy_centres: bool = False,
        pretrained: str | None = None,
        validation_share: float = 0.25,
        task: Literal["auto", "binary", "multiclass", "regression"] = "auto",
        device: str = "auto",
        random_state: int | None = None,
    ) -> None:
        self.encoder = encoder
        self.objective = objective
        self.metric = metric
        self.confidence = confidence
        self.tolerance = tolerance
        self.lambdas = lambdas
        self.training = training
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.patience = patience
        self.augment = augment
        self.hidden_sizes = hidden_sizes
        self.min_group_rows = min_group_rows
        self.calibrate = calibrate
        self.legacy_centres = legacy_centres
        self.pretrained = pretrained
        self.validation_share = validation_share
        self.task = task
        self.device = device
        self.random_state = random_state

    # ---------------------------------------------------------------- fitting

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
        """Train experts and baseline, then choose.

        Parameters
        ----------
        X : (n, p) table or (n, H, W, C) uint8 images, memory-mapped or not
        y : (n,) classes or values
        sensitive_features : (n,) or (n, k)
            Group labels; several columns make intersections. None means one group of all rows.
        clusters : (n,) or None
            Only used on validation rows: bounds then allow for rows that are not independent.
        sample_weight : (n,) or None
            In training, and in the choice by accuracy or mean squared error; the other metrics
            count rows.
        validation : (X, y, sensitive_features), or with clusters and weights too, or None
            Rows that stop the training, calibrate and choose. None keeps a stratified part.

        Raises
        ------
        SpecError
            When a parameter is impossible.
        InputError
            When the rows cannot be used, `validation` is no such tuple, or a label in it was not
            in the training rows.
        """
        rules = self._rules()
        same_rows(
            X=X,
            y=y,
            sensitive_features=sensitive_features,
            clusters=clusters,
            sample_weight=sample_weight,
        )
        X = check_design(self, X, reset=True)
        n, monitor = len(X), monitor or Silent()
        self._learn_target(y, n)
        columns = X, y, sensitive_features, clusters, sample_weight
        fitted, validation_rows = self._split(*columns, validation=validation)
        self.channels_ = channel_statistics(fitted.X) if X.ndim == 4 else None
        self.priors_ = class_shares(fitted.codes, fitted.groups, self.groups_, self.target_)
        monitor.start("FairSDE", 3)
        self._train_baseline(fitted, validation_rows, monitor)
        monitor.step()
        self._train_experts(fitted, validation_rows, monitor)
        monitor.step()
        self._choose(validation_rows, rules)
        monitor.step()
        monitor.end()
        return self

    def _learn_target(self, y: Any, n: int) -> None:
        self.target_ = Target.fit(y, n, self._task())
        if self.target_.classes is not None:
            self.classes_ = self.target_.classes
        if self.metric == "auroc" and self.target_.n_outputs != 2:
            raise SpecError("metric='auroc' needs two classes; use 'balanced_accuracy'")

    def _rules(self) -> ChoiceRules:
        _three(self.lambdas)
        if self.training not in ("joint", "staged"):
            raise SpecError(f"training must be 'joint' or 'staged', got {self.training!r}")
        if self.training == "staged" and not any(_three(self.lambdas)):
            raise SpecError("training='staged' needs a lambda above 0 to train the representation")
        if (self.metric == "neg_mse") != (self._task() == "regression"):
            raise SpecError(
                f"metric='{self.metric}' does not fit task='{self.task}'; a regression uses "
                "metric='neg_mse', a classification another one"
            )
        usual = inspect.signature(FairSDE).parameters["confidence"].default
        return ChoiceRules(self.objective, self.confidence, usual, self.tolerance)

    def _task(self) -> str:
        if self.task != "auto":
            return self.task
        return "regression" if self.metric == "neg_mse" else "multiclass"

    def _seed(self) -> int:
        seed = 0 if self.random_state is None else self.random_state
        if not is_integer(seed) or seed < 0:
            raise SpecError(f"random_state must be an integer of 0 or more or None, got {seed!r}")
        return int(seed)

    def _split(
        self,
        X: Any,
        y: Any,
        sensitive: Any,
        clusters: Any,
        weight: Any,
        *,
        validation: tuple[Any, ...] | None,
    ) -> tuple[SplitRows, SplitRows]:
        """Training and validation rows; learns the groups."""
        n = len(X)
        if sensitive is not None:
            sensitive = read_columns(sensitive, "sensitive_features", n)
        self.groups_ = Groups.fit(sensitive, n, self.min_group_rows)
        known = self.target_, self.groups_
        rows = split_rows(X, y, sensitive, clusters, weight, *known)
        if validation is None:
            return divide(rows, self.validation_share, self._seed())
        held = read_validation(
            validation, (*PARTS, "clusters", "sample_weight"), groups=sensitive is not None
        )
        with in_validation():
            X_held = check_design(self, held.X, reset=False)
            columns = held.y, held.sensitive_features, held.clusters, held.sample_weight
            return rows, split_rows(X_held, *columns, *known)

    def _train_baseline(self, fitted: SplitRows, validation: SplitRows, monitor: Monitor) -> None:
        self.baseline_ = self._new_baseline()
        parts = (fitted.X, fitted.codes), (validation.X, validation.codes)
        self.baseline_.fit_parts(*parts, self.target_, fitted.weight, self._seed(), monitor)

    def _new_baseline(self) -> PooledNetwork:
        """A baseline with the experts' own budget."""
        shared = set(PooledNetwork._get_param_names()) & set(self._get_param_names())
        model = PooledNetwork(**{name: getattr(self, name) for name in sorted(shared - {"task"})})
        model.pretrained = self.pretrained
        return model

    def _train_experts(self, fitted: SplitRows, validation: SplitRows, monitor: Monitor) -> None:
        seed, device = self._seed(), pick_device(self.device)
        self.net_ = self._network(seed).to(device)
        objective = Objective(_three(self.lambdas), 1.0, self.legacy_centres)
        known = validation.take(validation.groups != UNKNOWN)
        parts = (
            self._on_device(fitted, fitted.weight, device),
            self._on_device(known, None, device) if len(known.y) else None,
        )
        recipe = recipe_of(self, fitted.X.shape)
        run: dict[str, Any] = {"seed": seed, "device": device, "monitor": monitor}
        fits: dict[str, Fit] = {"baseline": self.baseline_.fit_}
        if self.training == "staged":
            learnt, heads = train_staged(self.net_, *parts, objective, recipe, **run)
            fits |= {"representation": learnt, "experts": heads}
        else:
            fits["experts"] = train_jointly(self.net_, *parts, objective, recipe, **run)
        self.history_ = [row for name, fit in fits.items() for row in history_rows(fit, name)]
        self.net_ = at_rest(self.net_.eval())

    def _on_device(
        self, rows: SplitRows, weight: Float | None, device: torch.device
    ) -> DeviceRows:
        return DeviceRows(
            rows_of(rows.X, device, self.channels_),
            as_target(rows.codes, device),
            torch.as_tensor(rows.groups, device=device),
            None if weight is None else torch.as_tensor(weight, device=device).float(),
        )

    def _network(self, seed: int) -> SelectiveExperts:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            body = make_encoder(self.encoder, self.row_shape_, self.hidden_sizes)
            if self.pretrained is not None:
                load_weights(body, self.pretrained)
            net = SelectiveExperts(body, len(self.groups_.names), self.target_.n_outputs)
        if len(self.row_shape_) == 3:
            channels_last(net)
        return net

    # ---------------------------------------------------------------- choosing

    def _choose(self, validation: SplitRows, rules: ChoiceRules) -> None:
        size, c = len(self.groups_.names), self.target_.n_outputs
        raw, raw_base = np.zeros((0, size, c)), np.zeros((0, c))
        if len(validation.y):
            raw, raw_base = self._forward(validation.X)[0], self._baseline_raw(validation.X)
        self._calibrate(raw, raw_base, validation)
        expert, baseline = self._held_answers(raw, raw_base, validation)
        y = validation.y.astype(np.float64) if self.target_.classes is None else validation.codes
        pair = expert.for_evidence(), baseline.for_evidence()
        apart = validation.clusters, validation.weight
        compared = evidence(y, *pair, validation.groups, size, self.metric, *apart)
        self.choice_, table = decide(compared, self.groups_.names, rules, self.groups_.merged)
        self.use_expert_ = self.choice_.use_expert
        self.selection_ = table.drop("split")
        self.summary_ = summary_of(self.choice_.use_expert, compared)
        self.validation_answers_ = {"expert": expert, "baseline": baseline}
        self.warnings_ = [*self._warnings(), *_strangers(validation)]

    def _warnings(self) -> list[str]:
        warnings = self.groups_.notes()
        before, after = self.summary_["gap_before"], self.summary_["gap_after"]
        if before is not None and after > before + 1e-12:
            warnings.append(
                f"The choice widens the gap on validation rows from {before:.4g} to {after:.4g}."
            )
        return warnings

    def _calibrate(self, raw: Float, raw_base: Float, validation: SplitRows) -> None:
        size = len(self.groups_.names)
        self.calibrations_ = [Calibration()] * (size + 1)
        if self.target_.classes is None or not self.calibrate:
            return
        for g in range(size):
            in_group = validation.groups == g
            self.calibrations_[g] = fit_calibration(raw[in_group, g], validation.codes[in_group])
        self.calibrations_[-1] = fit_calibration(raw_base, validation.codes)

    def _held_answers(
        self, raw: Float, raw_base: Float, validation: SplitRows
    ) -> tuple[RowAnswers, RowAnswers]:
        """Answers on validation rows, each calibrated without the row itself.

        Rows of unknown groups carry the first expert's answer, which is never used.
        """
        owner = np.maximum(validation.groups, 0)
        own, base, seed = raw[np.arange(len(raw)), owner], raw_base, self._seed()
        if self.target_.classes is not None and self.calibrate:
            base = cross_calibrated(raw_base, validation.codes, seed)
            for g in range(len(self.groups_.names)):
                in_group = validation.groups == g
                own[in_group] = cross_calibrated(own[in_group], validation.codes[in_group], seed)
        return self._answers(own, owner), self._answers(base, None)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Accuracy, or R² for regression, with guessed groups."""
        return score(self, X, y, sample_weight)

    def __sklearn_tags__(self) -> Any:
        return estimator_tags(super().__sklearn_tags__(), self._task())

    def save(self, folder: str | Path) -> None:
        """Write experts, baseline, calibration and choice into a folder.

        Raises
        ------
        NotFittedError
            Before `fit`.
        """
        check_is_fitted(self, "selection_")
        save_state(folder, KIND, *stored_form(self.get_params(), vars(self)))

    @classmethod
    def load(cls, folder: str | Path, device: str = "auto") -> Self:
        """Read what `save` wrote.

        Raises
        ------
        IntegrityError
            When the folder has no stored FairSDE.
        """
        meta, arrays = load_state(folder, KIND)
        stored = {k: tuple(v) if isinstance(v, list) else v for k, v in meta["params"].items()}
        model = cls()
        model.set_params(**{**stored, "pretrained": None})  # the weights are here
        with_learnt(model, learnt_attributes(meta, arrays))
        model.net_, model.baseline_ = model._network(0), model._new_baseline()
        model.baseline_.adopt(model.target_, model.row_shape_, model.channels_)
        device_ = pick_device(device)
        fill(model.net_, arrays, "experts.", device_)
        model.baseline_.net_ = model.baseline_.blank_network()
        fill(model.baseline_.net_, arrays, "baseline.", device_)
        return model


def _strangers(validation: SplitRows) -> list[str]:
    many = int((validation.groups == UNKNOWN).sum())
    where = "belong to groups without training rows and take no part in the choice"
    return [f"{many} validation rows {where}"] if many else []


def _three(values: Any) -> tuple[float, float, float]:
    """Three weights.

    Raises
    ------
    SpecError
        When they are not three finite numbers of 0 or more.
    """
    try:
        first, second, third = (float(v) for v in values)
    except (TypeError, ValueError):
        first = second = third = np.nan
    if not all(0 <= v < np.inf for v in (first, second, third)):
        raise SpecError(f"lambdas must be three numbers of 0 or more, got {values!r}")
    return first, second, third

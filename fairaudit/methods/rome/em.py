"""ROME with linear experts: latent groups by expectation-maximisation, combined robustly."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MethodType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import ClassifierTags, RegressorTags, check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_sample_weight,
    check_is_fitted,
    validate_data,
)

from fairaudit.exceptions import InputError, SpecError
from fairaudit.inputs.features import read_features
from fairaudit.inputs.read import read_column, read_columns, read_numbers
from fairaudit.inputs.rows import same_rows
from fairaudit.inputs.target import read_target
from fairaudit.inputs.validation import PARTS, in_validation, read_validation
from fairaudit.methods.common.design import check_table, numbers_of
from fairaudit.methods.common.parameters import shared
from fairaudit.methods.common.progress import Monitor, Silent
from fairaudit.methods.common.storage import load_state, save_state
from fairaudit.methods.common.training import pick_device
from fairaudit.methods.rome.answers import Mixture
from fairaudit.methods.rome.combination import JudgedAnswers, choose_combination
from fairaudit.methods.rome.combine import LOSSES, TINY, Robust, Tilt, global_weight, row_loss
from fairaudit.methods.rome.design import (
    ColumnChoice,
    Float,
    SensitivePart,
    at_least,
    positions,
    task_of,
    whole,
)
from fairaudit.methods.rome.group_count import HELD_OUT, choose_groups
from fairaudit.methods.rome.isolated import isolated_text
from fairaudit.methods.rome.maximin import (
    MixtureAnswers,
    Training,
    can_halve,
    corrected_matrix,
    halves,
    out_of_half,
    plain_matrix,
)
from fairaudit.methods.rome.mixture.em_loop import Run, StoppingRules
from fairaudit.methods.rome.predict import COMBINES, RomePredictions
from fairaudit.methods.rome.problem import (
    Learnt,
    MixtureProblem,
    MixtureSettings,
    by_size,
    enough_rows,
    learnt,
    prepare,
    solve,
)
from fairaudit.methods.rome.state import restore, state
from fairaudit.methods.rome.sweep import sweep_groups
from fairaudit.methods.tables import Frame

WEIGHT_TYPES = ("frequency", "sampling")
VALIDATION = (*PARTS, "clusters", "sample_weight")
ROBUST_ROWS = 20_000  # rows on which the tilt is sought: it has only G - 1 free numbers


class OnClassOrInstance:
    """A method that may be called on the class too: then on an instance with the defaults."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.__doc__ = function.__doc__

    def __get__(self, instance: Any, owner: type[Any]) -> Callable[..., Any]:
        return MethodType(self.function, owner() if instance is None else instance)


class RomeEM(RomePredictions):
    """Robust mixture of linear experts with a gate on sensitive attributes.

    Sensitive attributes determine who belongs to which latent group; each group has its own linear
    (or logistic) model of the other features; the models are combined so that the worst group is
    served. No group labels are needed.

    Parameters
    ----------
    n_groups : int or "auto", default 4
        Number of latent groups. "auto" fits 1 to `max_groups` (as many as the rows can carry) on
        three quarters of the rows and takes the smallest number within one standard error of the
        best likelihood on the rest (`n_groups_`, `heldout_`, `choice_`).
    combine : {"auto", "pooled", "gate", "minimax", "maximin"}, default "auto"
        Default of `predict`; all stay available on a fitted model. "auto" picks "pooled", "gate"
        or "minimax" on validation rows, or else on training rows by models that have not seen
        them (`combination_`, `combination_facts_`).
    outcome_sensitive : bool or list of columns, default False
        Sensitive columns that experts may see: none, all, or those named (or numbered).
    membership_features : list of columns or None
        Sensitive columns the gate sees; None = all.
    n_init : int, default 10
        Starts, run as one batch.
    task : {"auto", "regression", "classification"}, default "auto"
        "auto" takes text, booleans and whole numbers with at most 20 values for classes.
    noise : {"group", "shared"} or float, default "group"
        Variance of the experts' errors (regression).
    gate_intercept : bool, default True
    combine_loss : {"auto", "squared", "log", "brier", "error"}
        What "minimax" balances between groups: squared error for regression; log loss ("auto"),
        Brier score or error rate for classification.
    max_average_loss : float, "pooled" or None, default "pooled"
        With "minimax": serve the worst group only as far as the average loss on training rows
        stays below this number, or below that of one pooled model; None = no limit.
    worst_tolerance : float, default 0.01
        With "minimax": how much the worst group may lose, relative to the best it could have,
        for a better average. Near its best the worst group hardly moves while the average does.
    maximin_radius : float or None
        With "maximin": largest distance of the weight from the group shares, over sqrt(G).
    cross_fitting : bool, default True
        Seek the tilt, hold the limit on the average and correct the bias of "maximin" with
        models refitted on the other half of the rows, so that training losses are not too
        hopeful. False, or too few rows for halves, scores the model on its own training rows.
    gate_ridge : float, default 1e-6
        Ridge of the gate for each row of weight; keeps separable data finite.
    expert_ridge : float or None
        Ridge of the experts on standardised features; None = none for regression, 1 for
        classification (as scikit-learn's C=1).
    noise_floor : float, default 1e-4
        Smallest variance of a group, as a share of the pooled residual variance.
    tol : float, default 1e-6
        Gain of the mean bound, relative to its size, below which EM has converged.
    max_iter : int, default 300
    max_groups : int, default 8
        Largest number tried by `n_groups="auto"`.
    start_rows : int, default 20000
        With more than 10,000 rows, starts compete on a random quarter of them (at least 5,000,
        at most this number); the best continues on all rows.
    leave_out_isolated : bool, default True
        Regression: rows whose outcome lies far beyond all others, and which are too few for a
        group (mis-keyed numbers), do not take part in the fit; `isolated_rows_` and `warnings_`
        name them.
    weight_type : {"frequency", "sampling"}, default "frequency"
        What `sample_weight` means. "frequency": a weight of 2 is two rows, so that larger weights
        are more evidence. "sampling": a weight is how many people a row stands for; weights are
        scaled to sum to Kish's effective size (Σw)² / Σw², so that neither their unit nor
        unequal weights make evidence of groups that the rows do not hold.
    device : {"auto", "cpu", "cuda"}
    random_state : int, RandomState or None

    Attributes
    ----------
    coef_ : (G, p), or (G, C - 1, p) with C > 2 classes (the first class has coefficients 0)
        Coefficients of the experts in the units of the features; sensitive columns the experts
        may see come last. Groups are ordered from large to small.
    intercept_ : (G,) or (G, C - 1)
    noise_ : (G,) variances (regression)
    gate_coef_ : (G, q) and gate_intercept_ : (G,)
        Of the encoded sensitive columns `gate_features_`; the last group is 0.
    group_weights_ : (G,) shares of the rows by responsibility
    combination_ : str, what "auto" picked
    combination_facts_ : dict, why, and the losses of all that competed
    pooled_coef_, pooled_intercept_ : of the one pooled model
    tilt_ : (G,) group shares the tilted gate is made for
    robust_ : dict, losses of the tilted gate on training rows: worst, average, gap
    pooled_loss_ : float, average loss of one pooled model on training rows
    maximin_weights_ : (G,) global weight
    lower_bounds_ : (n_iter_,) mean penalised log-likelihood, never falling
    log_likelihood_, bic_, icl_ : float
        Of the observed data; smaller criteria are better. Weights count as repeated rows.
    isolated_rows_ : (m,) positions of rows that were left out of the fit
    n_parameters_, n_iter_, n_groups_ : int
    heldout_ : dict, held-out log-likelihood of a row by number of groups (n_groups="auto")
    choice_ : str, how the number of groups came about
    converged_ : bool
    classes_ : (C,) (classification)

    References
    ----------
    Li, Liu, Tian, Hong, Liu: Robust Mixture Models for Algorithmic Fairness Under Latent
    Heterogeneity, arXiv 2509.17411. Wang, Buhlmann, Guo, arXiv 2309.02211 (maximin).

    Examples
    --------
    >>> import numpy as np
    >>> from fairaudit import RomeEM
    >>> rng = np.random.default_rng(0)
    >>> s, x = rng.integers(0, 2, 400), rng.normal(size=(400, 2))
    >>> y = np.where(s == 1, x[:, 0], -x[:, 0]) + 0.1 * rng.normal(size=400)
    >>> model = RomeEM(n_groups=2, random_state=0).fit(x, y, sensitive_features=s)
    >>> [round(abs(float(c)), 1) for c in model.coef_[:, 0]]
    [1.0, 1.0]
    """

    def __init__(
        self,
        n_groups: int | str = 4,
        *,
        combine: str = "auto",
        outcome_sensitive: ColumnChoice = False,
        membership_features: Sequence[int | str] | None = None,
        n_init: int = 10,
        task: str = "auto",
        noise: str | float = "group",
        gate_intercept: bool = True,
        combine_loss: str = "auto",
        max_average_loss: float | str | None = "pooled",
        worst_tolerance: float = 0.01,
        maximin_radius: float | None = None,
        cross_fitting: bool = True,
        gate_ridge: float = 1e-6,
        expert_ridge: float | None = None,
        noise_floor: float = 1e-4,
        tol: float = 1e-6,
        max_iter: int = 300,
        max_groups: int = 8,
        start_rows: int = 20_000,
        leave_out_isolated: bool = True,
        weight_type: str = "frequency",
        device: str = "auto",
        random_state: Any = None,
    ) -> None:
        self.n_groups = n_groups
        self.combine = combine
        self.outcome_sensitive = outcome_sensitive
        self.membership_features = membership_features
        self.n_init = n_init
        self.task = task
        self.noise = noise
        self.gate_intercept = gate_intercept
        self.combine_loss = combine_loss
        self.max_average_loss = max_average_loss
        self.worst_tolerance = worst_tolerance
        self.maximin_radius = maximin_radius
        self.cross_fitting = cross_fitting
        self.gate_ridge = gate_ridge
        self.expert_ridge = expert_ridge
        self.noise_floor = noise_floor
        self.tol = tol
        self.max_iter = max_iter
        self.max_groups = max_groups
        self.start_rows = start_rows
        self.leave_out_isolated = leave_out_isolated
        self.weight_type = weight_type
        self.device = device
        self.random_state = random_state

    # -- fitting ---------------------------------------------------------------------------

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
        """Find the groups, fit the experts and prepare their combinations.

        Parameters
        ----------
        X : (n, p) features the experts see
        y : (n,) outcome
        sensitive_features : (n, q), optional
            Missing values are allowed: a number gets an indicator, text its own level.
            Without any the gate is constant (a plain mixture).
        clusters : (n,), optional
            Rows of one cluster are not independent when a combination is picked; EM ignores them.
        sample_weight : (n,), optional
            What a weight means is `weight_type`.
        validation : (X, y, sensitive_features, clusters, sample_weight), optional
            Rows that pick the combination; what comes last may be left out.
        monitor : Monitor, optional

        Raises
        ------
        SpecError
            When a parameter is impossible.
        InputError
            When lengths differ.
        """
        monitor = monitor or Silent()
        same_rows(X=X, clusters=clusters)
        problem, rows = self.begin(X, y, sensitive_features, sample_weight)
        rows = replace(rows, cluster=_codes_of(clusters, len(rows.target)))
        held_out = None if validation is None else self._held_out(validation)
        seed = self.seed()
        count = self._count(problem, seed, monitor)
        monitor.start("expectation-maximisation", self.max_iter)
        runs = solve(problem, sorted({1, count}), self.n_init, self.rules, seed, monitor)
        monitor.end()
        self._finish(problem, runs, count, rows, seed, held_out)
        self._note()
        for text in self.warnings_:
            warnings.warn(text, ConvergenceWarning, stacklevel=2)
        return self

    def _count(self, problem: MixtureProblem, seed: int, monitor: Monitor) -> int:
        """The number of groups as set, or the one that held-out rows choose."""
        self.heldout_: dict[int, float] = {}
        if self.n_groups != "auto":
            self.choice_ = "given"
            enough_rows(int(self.n_groups), problem.rows.n)
            return int(self.n_groups)
        most = max(1, min(self.max_groups, int(problem.total * (1 - HELD_OUT) / problem.enough())))
        choice = choose_groups(problem, range(1, most + 1), self.n_init, self.rules, seed, monitor)
        self.heldout_ = dict(choice.means)
        alike = ", ".join(str(g) for g in choice.plausible)
        self.choice_ = (
            f"{choice.chosen} of 1 to {most} groups: the smallest number within one standard "
            f"error of the best held-out likelihood; plausible on held-out rows: {alike}"
        )
        return choice.chosen

    def finished(
        self,
        problem: MixtureProblem,
        runs: Mapping[int, Run],
        count: int,
        rows: Training,
        seed: int,
    ) -> Self:
        """A model like this one with `count` groups, from runs already made (a sweep)."""
        crossed = self.cross_fitting and self.combine == "auto"  # a pick needs unseen rows
        model: Self = copy.copy(self).set_params(n_groups=count, cross_fitting=crossed)
        model.heldout_, model.choice_ = {}, "one of a sweep"
        model._finish(problem, runs, count, rows, seed)
        model._note()
        return model

    def _finish(
        self,
        problem: MixtureProblem,
        runs: Mapping[int, Run],
        count: int,
        rows: Training,
        seed: int,
        held_out: Training | None = None,
    ) -> None:
        """From the runs (`count` groups, and 1) to a model that predicts."""
        run = runs[count]
        order = by_size(run)
        self._adopt(problem, learnt(problem, run, order))
        common = learnt(problem, runs[1], np.arange(1)).mixture
        self._adopt_pooled(common)
        kind = "training"
        if self.cross_fitting and can_halve(problem, count):
            kind = "cross-fitted"
            refits = halves(problem, run.params, order, seed)
            unseen = out_of_half(rows, refits)
            pooled = out_of_half(rows, halves(problem, runs[1].params, np.arange(1), seed))
            gamma = corrected_matrix(rows, refits)
        else:
            unseen, pooled = (
                MixtureAnswers.of(self._mixture, rows),
                MixtureAnswers.of(common, rows),
            )
            gamma = plain_matrix(rows, self._mixture)
        self._criteria(rows)
        self._weigh(rows, unseen, pooled.answers, seed)
        self.maximin_weights_ = global_weight(gamma, self.maximin_radius, self.group_weights_)
        if held_out is not None:
            rows, kind = held_out, "validation"
            unseen, pooled = (
                MixtureAnswers.of(self._mixture, rows),
                MixtureAnswers.of(common, rows),
            )
        elif kind == "training" and self.cross_fitting:
            kind = "too few"
        self._pick(rows, unseen, pooled, kind)

    def _adopt_pooled(self, common: Mixture) -> None:
        """Keep the one pooled model."""
        self.pooled_coef_, self.pooled_intercept_ = common.coef[0], common.intercept[0]

    def _held_out(self, validation: tuple[Any, ...]) -> Training:
        """Validation rows as the model sees rows."""
        given = read_validation(validation, VALIDATION, groups=bool(self.sensitive_names_in_))
        with in_validation():
            X = check_table(self, given.X, reset=False)
            n, weight = len(X), given.sample_weight
            gate = self._gate_part.transform(given.sensitive_features, n)
            design = self._expert_design(X, given.sensitive_features)
            target = self.codes(given.y, n)
        weight = np.ones(n) if weight is None else weight
        cluster = None if given.clusters is None else given.clusters.levels[1]
        return Training(design, gate, target, weight, cluster)

    def _pick(
        self, rows: Training, unseen: MixtureAnswers, pooled: MixtureAnswers, kind: str
    ) -> None:
        """Select the combination for "auto", on rows that did not fit the models."""
        judged = JudgedAnswers(
            unseen.answers,
            unseen.prior,
            unseen.resp,
            pooled.answers,
            unseen.likelihood - pooled.likelihood,
            rows.target,
            rows.weight,
            rows.cluster,
            kind,
        )
        shares, limit = self.group_weights_, self.max_average_loss
        picked = choose_combination(judged, shares, self.tilt_, self.loss_name, limit)
        self.combination_, self.combination_tilt_ = picked.name, picked.tilt
        self.combination_facts_ = dict(picked.facts)

    def _check_params(self) -> None:
        if self.combine not in COMBINES:
            raise SpecError(f"combine={self.combine!r} is not known; choose one of {COMBINES}")
        if isinstance(self.n_groups, str) and self.n_groups != "auto":
            raise SpecError(f"n_groups={self.n_groups!r}; choose a number from 1 up, or 'auto'")
        if self.n_groups != "auto":
            whole("n_groups", self.n_groups)
        for name in ("n_init", "max_iter", "max_groups", "start_rows"):
            whole(name, getattr(self, name))
        for name in ("gate_ridge", "noise_floor", "worst_tolerance", "tol"):
            at_least(name, getattr(self, name))
        for name in ("expert_ridge", "maximin_radius"):
            if getattr(self, name) is not None:
                at_least(name, getattr(self, name))
        self._check_choices()

    def _check_choices(self) -> None:
        """Parameters that are a word or a number."""
        if self.combine_loss != "auto" and self.combine_loss not in LOSSES:
            raise SpecError(
                f"combine_loss={self.combine_loss!r}; choose 'auto' or one of {LOSSES}"
            )
        if isinstance(self.noise, str) and self.noise not in ("group", "shared"):
            raise SpecError(f"noise={self.noise!r}; choose 'group', 'shared' or a variance")
        if not isinstance(self.noise, str):
            at_least("noise", self.noise, above=True)
        if self.weight_type not in WEIGHT_TYPES:
            raise SpecError(f"weight_type={self.weight_type!r}; choose one of {WEIGHT_TYPES}")
        limit = self.max_average_loss
        if isinstance(limit, str) and limit != "pooled":
            raise SpecError(f"max_average_loss={limit!r}; choose a number, 'pooled' or None")
        if limit is not None and not isinstance(limit, str):
            at_least("max_average_loss", limit)

    def _check_loss(self) -> None:
        """Whether the loss that "minimax" balances suits the task."""
        fits = ("squared",) if self.task_ == "regression" else ("log", "brier", "error")
        if self.loss_name not in fits:
            raise SpecError(
                f"combine_loss={self.combine_loss!r} does not suit a {self.task_}; choose 'auto' "
                f"or one of {fits}"
            )

    def seed(self) -> int:
        """A seed drawn from `random_state`."""
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    @property
    def rules(self) -> StoppingRules:
        """When EM stops."""
        return StoppingRules(tol=self.tol, max_iter=self.max_iter)

    def begin(
        self, X: Any, y: Any, sensitive: Any, sample_weight: Any
    ) -> tuple[MixtureProblem, Training]:
        """Check the rows, learn the encodings and pose the problem; no EM yet."""
        self._check_params()
        same_rows(X=X, y=y, sensitive_features=sensitive, sample_weight=sample_weight)
        y = y if y is None else read_target(y)
        X, y = validate_data(self, read_features(X), y, dtype=np.float64, ensure_min_samples=2)
        if sample_weight is not None:
            sample_weight = read_numbers(sample_weight, "sample_weight", len(X))
        weight = _check_sample_weight(sample_weight, X, ensure_non_negative=True)
        if self.weight_type == "sampling":
            weight = weight * (weight.sum() / max(float(weight @ weight), TINY))
        target = self._learn_target(np.asarray(y))
        n = len(X)
        if sensitive is not None:
            sensitive = read_columns(sensitive, "sensitive_features", n)
        names = () if sensitive is None else sensitive.named()
        self.sensitive_names_in_ = names
        self._gate_part = SensitivePart.fit(
            sensitive, n, positions(self.membership_features, names, "membership_features"), weight
        )
        self._outcome_part = SensitivePart.fit(
            sensitive, n, positions(self.outcome_sensitive, names, "outcome_sensitive"), weight
        )
        gate = self._gate_part.transform(sensitive, n)
        experts = self._expert_design(X, sensitive)
        n_classes = len(self.classes_) if self.task_ == "classification" else 0
        problem = prepare(
            experts, gate, target, weight, n_classes, self._settings, pick_device(self.device)
        )
        if len(problem.left_out):
            weight = weight.copy()
            weight[problem.left_out] = 0.0
        return problem, Training(experts, gate, target, weight)

    @property
    def _settings(self) -> MixtureSettings:
        return MixtureSettings(**shared(MixtureSettings, self.get_params()))

    def _learn_target(self, y: NDArray[Any]) -> NDArray[Any]:
        self.task_ = task_of(y, self.task)
        self._check_loss()
        if self.task_ == "regression":
            return numbers_of(y)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise InputError(
                f"y holds 1 class ({self.classes_[0]}); the classifier needs at least 2. If y is "
                "a quantity, set task='regression'"
            )
        return codes.astype(np.int64)

    def _adopt(self, problem: MixtureProblem, fit: Learnt) -> None:
        """Keep EM's parameters, in the units of the data."""
        self.n_groups_ = len(fit.size)
        mixture, single = fit.mixture, fit.mixture.coef.shape[1] == 1
        self.coef_ = mixture.coef[:, 0] if single else mixture.coef
        self.intercept_ = mixture.intercept[:, 0] if single else mixture.intercept
        if mixture.noise is not None:
            self.noise_ = mixture.noise
        self.gate_coef_, self.gate_intercept_ = mixture.gate_coef, mixture.gate_intercept
        encoder = self._gate_part.encoder
        self.gate_features_ = () if encoder is None else encoder.names
        self.group_weights_ = fit.size / fit.size.sum()
        self.log_likelihood_ = fit.loglik
        self.lower_bounds_ = fit.bounds
        self.n_iter_ = len(fit.bounds)
        self.converged_ = fit.converged
        self.n_parameters_ = problem.n_parameters(self.n_groups_)
        self.isolated_rows_ = problem.left_out
        self._sizes, self._enough = fit.size, problem.enough()
        self.warnings_: list[str] = []

    def _criteria(self, rows: Training) -> None:
        """BIC, and ICL: BIC plus twice the entropy of the responsibilities."""
        resp = MixtureAnswers.of(self._mixture, rows).resp
        sure = float(rows.weight @ (resp * np.log(np.maximum(resp, TINY))).sum(axis=1))
        self.bic_ = -2 * self.log_likelihood_ + self.n_parameters_ * np.log(rows.weight.sum())
        self.icl_ = self.bic_ - 2 * sure

    def _weigh(
        self,
        rows: Training,
        unseen: MixtureAnswers,
        pooled: Float,
        seed: int,
    ) -> None:
        """The tilt, from training rows (by refits that have not seen them, if cross-fitting)."""
        answers, prior, resp = unseen.answers, unseen.prior, unseen.resp
        sampled = _sampled_rows(len(resp), ROBUST_ROWS, seed)
        target, share = rows.target[sampled], rows.weight[sampled] / rows.weight[sampled].sum()
        robust = self._robust(
            prior[sampled], resp[sampled] * share[:, None], answers[sampled], target
        )
        pooled_loss = row_loss(self.loss_name, pooled[sampled], target)
        self.pooled_loss_ = float(share @ pooled_loss(np.ones((len(sampled), 1))))
        tilt = self._tilt(robust)
        self.tilt_ = tilt.shares
        self.robust_ = {"worst": tilt.worst, "average": tilt.average, "gap": tilt.gap}

    def _tilt(self, robust: Robust) -> Tilt:
        if self.max_average_loss is None:
            return robust.within(np.inf, self.worst_tolerance)[0]
        if self.max_average_loss == "pooled":
            tilt, reached = robust.within(self.pooled_loss_, self.worst_tolerance)
            if not reached and self.combine == "minimax":
                self.warnings_.append(
                    f"no tilt keeps the average loss within that of one pooled model "
                    f"({tilt.average:.4g}, pooled {self.pooled_loss_:.4g}); the best average is "
                    "used. combine='auto' takes the pooled model where it is better"
                )
            return tilt
        tilt, reached = robust.within(float(self.max_average_loss), self.worst_tolerance)
        if not reached:
            self.warnings_.append(
                f"max_average_loss={self.max_average_loss} is below what any combination "
                f"reaches on the training rows ({tilt.average:.4g}); the best average is used"
            )
        return tilt

    def _note(self) -> None:
        """Add to `warnings_` what a user should know."""
        if len(self.isolated_rows_):
            self.warnings_.append(isolated_text(self.isolated_rows_))
        small = np.flatnonzero(self._sizes < self._enough)
        for j in small:
            self.warnings_.append(
                f"group {j + 1} holds {self._sizes[j]:.1f} rows by responsibility, fewer than "
                "its parameters; use fewer groups"
            )
        if not self.converged_:
            self.warnings_.append(
                f"EM did not converge in {self.max_iter} iterations; raise max_iter or tol"
            )

    # -- what if ---------------------------------------------------------------------------

    @OnClassOrInstance
    def sweep(
        self,
        X: Any,
        y: Any,
        *,
        sensitive_features: Any = None,
        sample_weight: Any = None,
        clusters: Any = None,
        n_groups: Iterable[int] = range(1, 9),
        n_bootstrap: int = 20,
        confidence: float = 0.95,
        monitor: Monitor | None = None,
        **params: Any,
    ) -> Frame:
        """Fit every number of groups and every start as one batch; score each on held-out rows.

        Called on an instance, its parameters apply to every fit; called on the class, the
        defaults. `params` are parameters of the constructor that differ from these.

        Returns
        -------
        polars.DataFrame
            n_groups, log_likelihood, bic, icl, heldout, worst_group, overall, stability,
            seconds, then the limits of intervals (worst_low, worst_high, overall_low,
            overall_high), heldout_se and chosen; plausible, z_step, gain, p, worst_null and
            worst_p. `rome.sweep.sweep_groups` also returns the fitted models and which group
            splits from which.
        """
        model = clone(self).set_params(**params)
        return sweep_groups(
            model,
            X,
            y,
            sensitive_features=sensitive_features,
            sample_weight=sample_weight,
            clusters=clusters,
            confidence=confidence,
            n_groups=n_groups,
            n_bootstrap=n_bootstrap,
            monitor=monitor,
        ).table

    # -- storage ---------------------------------------------------------------------------

    def save(self, folder: str | Path) -> None:
        """Write the fitted model: arrays as safetensors, the rest as JSON.

        Raises
        ------
        NotFittedError
            Before `fit`.
        """
        check_is_fitted(self, "coef_")
        save_state(folder, "RomeEM", *state(self))

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read what `save` wrote.

        Raises
        ------
        IntegrityError
            When files are missing, damaged or of another estimator.
        """
        meta, arrays = load_state(folder, "RomeEM")
        return restore(cls(**meta["params"]), meta, arrays)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        if self.task == "classification":
            tags.estimator_type, tags.classifier_tags = "classifier", ClassifierTags()
        elif self.task == "regression":
            tags.estimator_type, tags.regressor_tags = "regressor", RegressorTags()
        return tags


def _codes_of(clusters: Any, n: int) -> NDArray[Any] | None:
    """Cluster codes (n,), or None."""
    return None if clusters is None else read_column(clusters, "clusters", n).levels[1]


def _sampled_rows(n: int, most: int, seed: int) -> NDArray[np.int64]:
    """All rows, or a random part of them in their order."""
    if n <= most:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, most, replace=False))

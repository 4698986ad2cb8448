"""Fair MEDL: fixed and random effects learnt apart, mixed, and both debiased."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import ClassifierTags, RegressorTags, check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from fairaudit.inputs.arrays import Float
from fairaudit.inputs.options import check_confidence
from fairaudit.inputs.read import read_numbers
from fairaudit.inputs.rows import same_rows
from fairaudit.inputs.target import read_target
from fairaudit.methods.common.progress import Monitor
from fairaudit.methods.common.storage import load_state, save_state, with_learnt
from fairaudit.methods.fair_medl import fitting as estimate
from fairaudit.methods.fair_medl import tables
from fairaudit.methods.fair_medl.parameters import Parameters
from fairaudit.methods.fair_medl.posterior import settled
from fairaudit.methods.fair_medl.state import learnt_attributes, params_from, stored_form
from fairaudit.methods.fair_medl.weights import Weights, fixed_answer, interval, link, moments
from fairaudit.methods.tables import Frame
from fairaudit.stats.metric_definitions import CUT

KIND = "fair-medl"


def _has_classes(model: FairMEDL) -> bool:
    """Whether the model answers with classes: by its task, or by what it was fitted on."""
    return model.task != "regression" and getattr(model, "_kind", "") != "regression"


@dataclass(frozen=True)
class ClusterEffects:
    """What clusters add to the fixed part.

    Attributes
    ----------
    effects : cluster, effect, mean, sd, prior_sd (that of the effect before any row is seen)
    variance : part, variance, share
    prior_sd : SD of a cluster's intercept before any of its rows is seen
    """

    effects: Frame
    variance: Frame
    prior_sd: float


class FairMEDL(Parameters):
    """Mixed-effects deep learning with debiasing of fixed and mixed predictions.

    Parameters
    ----------
    hidden_sizes : tuple of int
        Units of the hidden layers of the fixed-effects net; () = linear.
    lambda_fixed, lambda_cluster, lambda_kl, lambda_fair_fixed, lambda_fair_mixed : float
        Weights of the fixed-effects loss, the cluster penalty, the prior (per row), and of
        fairness of the fixed and of the mixed prediction.
    debias : {"adversarial", "rates", "correlation"} or None
        Adversaries guess the sensitive attributes; or the soft rates of the groups are pulled
        together; or absolute correlations are lowered.
    fairness_target : {"equalized_odds", "demographic_parity"}
    sharpness : float
        Of the soft decisions whose rates `debias="rates"` pulls together: the link of this
        multiple of the logits (1 = probabilities, larger = nearer to hard decisions).
    pull_at : {"half", "base_rate", "both"}
        Threshold of these decisions in binary tasks: 0.5, the share of positives, or both.
    performance_budget : float or None
        Train a path of fairness weights as one batch of models and keep the fairest whose
        AUROC (or relative squared error) on validation rows is within this loss.
    path : sequence of float
        Factors of the fairness weights tried under `performance_budget`; 0 is always added.
    random_effects, cluster_adversary : bool
        Switches of parts 4 and 2 (in either form); without clusters both are off and a plain
        net remains.
    cluster_penalty : {"adversarial", "between_variance"}
        Form of part 2: an adversary names the cluster from the hidden layers; or every feature
        pays for its weights in proportion to its variance between over that within clusters.
    slopes : {"inputs", "hidden", "none"}
        What a cluster's slopes multiply; "none" = intercepts only.
    prior_scale : float or None
        SD of the random effects' prior; None = learnt when the effects settle (.3 before).
    unseen : {"inferred", "fixed"}
        Clusters never seen: mix by a cluster predictor's probabilities, or fixed effects only.
    task : {"auto", "binary", "multiclass", "regression"}
        "auto" regresses numbers with fractions or more than 20 distinct values, and takes all
        else for classes.
    learning_rate, max_epochs, batch_size, patience
        Adam's first step size (falls along a cosine), passes, rows a step, and epochs without
        a better validation loss before stopping (None = never).
    validation_fraction : float
        Share of the training rows held out when no `validation` is given and there are 100 rows.
    confidence : float
        Of the intervals in `path_`.
    random_state : int, RandomState or None
    device : {"auto", "cpu", "cuda"}

    Attributes
    ----------
    random_effects_ : polars.DataFrame
        cluster, effect, mean, sd: the settled posterior, fairness of the mixed prediction kept.
    fixed_effects_importance_ : polars.DataFrame
        feature, importance (|∂ y_F / ∂x| at the mean input, x in SDs), rank.
    path_ : polars.DataFrame
        lam, split, metric, value, low, high, chosen; empty without a budget.
    history_ : polars.DataFrame
        part, epoch, metric, value: mean losses an epoch of every part.
    warnings_ : list of str
        Problems of the fit, in plain words.
    classes_, n_features_in_, feature_names_in_, clusters_

    Notes
    -----
    Source: Nguyen, Wang, Montillo, arXiv 2310.03146 (architecture, losses, adversaries);
    `debias="rates"`, `cluster_penalty="between_variance"`, the budget, intervals, learnt priors
    and settled effects are ours. When the net has stopped, the effects go on to their Laplace
    posterior, and where the mixed prediction is debiased their means follow the whole loss.
    """

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
        """Train.

        Parameters
        ----------
        X : (n, p) numbers
        y : (n,) labels or values
        sensitive_features : (n,) or (n, A), text or numbers, or None (no debiasing)
            Numbers with more than ten values are regressed by the adversary and binned at
            quartiles for the rates.
            Text is levels even where it reads as numbers. Missing values are a level of their
            own, or left out where numbers are a scale.
        clusters : (n,) or None (plain net)
            Rows without a name (None, NaN) form the cluster "(missing)".
        sample_weight : (n,) of 0 and more, or None
            Rows of weight 0 are left out.
        validation : (X, y, sensitive_features, clusters) or None
            Rows for early stopping and the budget; the last two may be None or left out. The
            budget needs the attributes.
        monitor : Monitor or None

        Raises
        ------
        SpecError
            When a parameter is impossible, or there is one cluster only.
        InputError
            When rows do not match, `validation` is no such tuple, or a label in it was not in the
            training rows.
        TrainingError
            When the loss is not finite.
        """
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        job = estimate.Job(self, seed, monitor)
        data = job.learn(X, y, sensitive_features, clusters, sample_weight)
        fitted = job.train(data, validation)
        self._stack, self._chosen, self._seed = fitted.weights, fitted.chosen, seed
        self.lams_, self.thresholds_ = fitted.lams, fitted.thresholds
        self.path_, self.history_, self.warnings_ = fitted.path, fitted.history, fitted.warnings
        self.n_iter_ = fitted.n_iter
        for text in self.warnings_:
            warnings.warn(text, ConvergenceWarning, stacklevel=2)
        return self

    def predict(self, X: Any, *, clusters: Any = None) -> NDArray[Any]:
        """Labels or values (n,) of the mixed prediction."""
        return self._labels(self._mixed(self._weights(), X, clusters))

    @available_if(_has_classes)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any, *, clusters: Any = None) -> Float:
        """Class probabilities (n, C) of the mixed prediction; there is none for regression."""
        answer = self._mixed(self._weights(), X, clusters)
        return answer if answer.shape[1] > 1 else np.column_stack([1 - answer, answer])

    def predict_mixed(self, X: Any, *, clusters: Any = None) -> Float:
        """y_M: probability of the second class (n,), of each class (n, C), or values (n,)."""
        return self._outward(self._mixed(self._weights(), X, clusters))

    def predict_fixed(self, X: Any) -> Float:
        """y_F, what holds in every cluster; shaped as `predict_mixed`."""
        weights = self._weights()
        return self._outward(fixed_answer(weights, estimate.features(self, X)))

    def predict_interval(
        self, X: Any, *, clusters: Any = None, confidence: float | None = None
    ) -> tuple[Float, Float]:
        """Posterior interval of the mixed prediction over the random effects.

        Unseen clusters have the prior's variance ("fixed") or that of the inferred mixture.
        `confidence` is the estimator's own unless another is passed.

        Returns
        -------
        (low, high)
            Each shaped like the answer of `predict_mixed`.

        Raises
        ------
        SpecError
            When `confidence` is not above 0.5 and below 1.
        """
        level = self.confidence if confidence is None else confidence
        check_confidence(level)
        same_rows(X=X, clusters=clusters)
        weights, inputs = self._weights(), estimate.features(self, X)
        codes = estimate.codes(self, clusters, len(inputs))
        low, high = interval(weights, inputs, codes, self.unseen, level, self._seed)
        return self._outward(low), self._outward(high)

    def predict_path(self, X: Any, *, clusters: Any = None) -> list[Float]:
        """`predict_mixed` of every model of the path, in the order of `lams_`."""
        check_is_fitted(self, "path_")
        return [self._outward(self._mixed(w, X, clusters)) for w in self._stack]

    def score(self, X: Any, y: Any, sample_weight: Any = None, *, clusters: Any = None) -> float:
        """Accuracy, or R² for regression."""
        same_rows(X=X, y=y, clusters=clusters, sample_weight=sample_weight)
        return estimate.score(self, self.predict(X, clusters=clusters), y, sample_weight)

    @property
    def random_effects_(self) -> Frame:
        """Posterior of the random effects: cluster, effect, mean, sd (standardised inputs)."""
        weights = self._weights()
        return tables.effects(weights, self.clusters_, self._names(), self._outputs())

    @property
    def fixed_effects_importance_(self) -> Frame:
        """Features by |∂ y_F / ∂x_j| at the mean input: feature, importance, rank."""
        return tables.importance(self._weights(), self._names())

    @property
    def lam_(self) -> float:
        """Factor of the fairness weights of the model that was kept."""
        self._weights()
        return float(self.lams_[self._chosen])

    @property
    def threshold_(self) -> float:
        """Youden's threshold of the training rows (binary), 0.5 otherwise."""
        self._weights()
        return float(self.thresholds_[self._chosen])

    @property
    def prior_sd_(self) -> float:
        """SD of a cluster's intercept before any of its rows is seen (mean over outputs)."""
        return float(self._weights().prior_sd[-1].mean())

    def variance_shares(self) -> Frame:
        """Variance of clusters against all: part, variance, share (the intercept's is the ICC)."""
        return tables.variance_shares(self._weights())

    def cluster_effects(
        self, X: Any, y: Any, *, clusters: Any, sample_weight: Any = None
    ) -> ClusterEffects:
        """What each cluster adds to the fixed part, whatever that does to fairness.

        The posterior of the effects under a learnt prior. `random_effects_`, with which the
        model predicts, has the same widths; its means are held back where the mixed prediction
        is debiased.

        Parameters
        ----------
        X, y, clusters : rows with their outcome
            Nothing is predicted from the result, so that rows which the fixed part was not
            fitted to may (and should) take part. Rows of unseen clusters are left out.
        sample_weight : (n,) or None
        """
        same_rows(X=X, y=y, clusters=clusters, sample_weight=sample_weight)
        inputs = estimate.features(self, X)
        weight = np.ones(len(inputs))
        if sample_weight is not None:
            weight = read_numbers(sample_weight, "sample_weight", len(inputs))
        posterior = settled(
            self._weights(),
            inputs,
            estimate.target_codes(self, read_target(y)),
            estimate.codes(self, clusters, len(inputs)),
            weight / weight.mean(),
        )
        names = self.clusters_, self._names(), self._outputs()
        return ClusterEffects(
            tables.effects_with_prior(posterior, *names),
            tables.variance_shares(posterior),
            float(posterior.prior_sd[-1].mean()),
        )

    def save(self, folder: str | Path) -> None:
        """Write the chosen model into a folder (safetensors + JSON).

        Raises
        ------
        NotFittedError
            Before `fit`.
        """
        check_is_fitted(self, "path_")
        save_state(folder, KIND, *stored_form(self.get_params(), vars(self)))

    @classmethod
    def load(cls, folder: str | Path) -> FairMEDL:
        """Read what `save` wrote.

        Raises
        ------
        IntegrityError
            When the folder holds no readable Fair MEDL model.
        """
        meta, arrays = load_state(folder, KIND)
        return with_learnt(cls(**params_from(meta["params"])), learnt_attributes(meta, arrays))

    def _weights(self) -> Weights:
        check_is_fitted(self, "path_")
        chosen: Weights = self._stack[self._chosen]
        return chosen

    def _mixed(self, weights: Weights, X: Any, clusters: Any) -> Float:
        same_rows(X=X, clusters=clusters)
        inputs = estimate.features(self, X)
        codes = estimate.codes(self, clusters, len(inputs))
        raw, shift, _ = moments(weights, inputs, codes, self.unseen)
        return link(weights.task, raw + shift)

    def _outward(self, answer: Float) -> Float:
        if answer.shape[1] > 1:
            return answer
        if self._task() == "regression":
            return np.asarray(answer[:, 0] * self._y_scale + self._y_mean)
        return answer[:, 0]

    def _labels(self, answer: Float) -> NDArray[Any]:
        if self._task() == "regression":
            return self._outward(answer)
        place = answer.argmax(1) if answer.shape[1] > 1 else (answer[:, 0] >= CUT).astype(int)
        return np.asarray(self.classes_[np.minimum(place, len(self.classes_) - 1)])

    def _task(self) -> str:
        return self._weights().task

    def _names(self) -> list[str]:
        default = [f"x{j}" for j in range(self.n_features_in_)]
        return list(getattr(self, "feature_names_in_", default))

    def _outputs(self) -> list[str]:
        return [str(c) for c in self.classes_] if self._task() == "multiclass" else [""]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        if self.task == "regression":
            tags.estimator_type, tags.regressor_tags = "regressor", RegressorTags()
        elif self.task != "auto":
            tags.estimator_type = "classifier"
            tags.classifier_tags = ClassifierTags(multi_class=self.task == "multiclass")
        return tags

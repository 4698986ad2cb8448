"""The pooled network (ERM), and what networks with heads of their own for groups share with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Self, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from fairaudit.exceptions import InputError
from fairaudit.inputs.read import read_columns
from fairaudit.inputs.rows import same_rows
from fairaudit.inputs.validation import in_validation, read_validation
from fairaudit.methods.common.class_scores import (
    classifies,
    estimator_tags,
    score,
    state_of_target,
    target_of_state,
)
from fairaudit.methods.common.design import Target, check_design, checked_weight, softmax
from fairaudit.methods.common.groups import Groups, stratified_validation
from fairaudit.methods.common.networks import ResNet18, channels_last, load_weights, make_encoder
from fairaudit.methods.common.progress import Monitor
from fairaudit.methods.common.row_access import RowSource, channel_statistics, in_pieces, rows_of
from fairaudit.methods.common.saliency import salient_parts
from fairaudit.methods.common.storage import load_state, save_state, with_learnt
from fairaudit.methods.common.training import pick_device, shuffled
from fairaudit.methods.common.training_recipe import (
    fit_network,
    mixed_precision,
    recipe_of,
    row_loss,
)

Task = Literal["auto", "binary", "multiclass", "regression"]


class Headed(nn.Module):
    """An encoder and one linear layer that holds the outputs of every head."""

    def __init__(self, encoder: nn.Module, n_outputs: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = nn.Linear(int(encoder.out_features), n_outputs)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        embedding = self.encoder(x)
        return self.head(embedding.to(self.head.weight.dtype))  # type: ignore[no-any-return]


Net = TypeVar("Net", bound=nn.Module)


def at_rest(net: Net) -> Net:
    """A trained network as it answers: MLPs in float64, so that a row's answer does not depend on
    the rows beside it; convolutions stay as they are."""
    convolves = any(p.ndim == 4 for p in net.parameters())
    return net if convolves else net.double()


def as_target(codes: NDArray[Any], device: torch.device) -> Tensor:
    """Class codes as int64, standardised values as float32, on the device."""
    target = torch.as_tensor(codes, device=device)
    return target.float() if target.is_floating_point() else target


def precision(net: nn.Module) -> torch.dtype:
    """The number type of a network's parameters."""
    return next(net.parameters()).dtype


class PooledNetwork(BaseEstimator):  # type: ignore[misc]
    """One network for all rows (empirical risk minimisation).

    Parameters
    ----------
    encoder : {"auto", "mlp", "resnet18"}
    hidden_sizes : tuple of int
        Widths of the MLP.
    batch_size : int or None
        None is 256, or for images the number that makes about 32 steps an epoch, at least 16.
    max_epochs, learning_rate, weight_decay, patience, augment
        SGD with momentum 0.9; the rate falls by 0.9 an epoch; the epoch with the best validation
        loss is kept and `patience` epochs without a better one end the training.
    validation_share : float
        Share of the rows kept for validation when none are passed.
    task : {"auto", "binary", "multiclass", "regression"}
    device : {"auto", "cpu", "cuda"}
    random_state : int or None
    """

    pretrained: str | None = None
    _heads_of_groups = False
    _judges_groups = False
    _task_title = "pooled network"

    def __init__(
        self,
        encoder: Literal["auto", "mlp", "resnet18"] = "auto",
        hidden_sizes: tuple[int, ...] = (128, 64),
        max_epochs: int = 50,
        batch_size: int | None = None,
        learning_rate: float = 0.05,
        weight_decay: float = 1e-4,
        patience: int | None = 10,
        augment: bool = True,
        validation_share: float = 0.2,
        task: Task = "auto",
        device: str = "auto",
        random_state: int | None = None,
    ) -> None:
        self.encoder = encoder
        self.hidden_sizes = hidden_sizes
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.patience = patience
        self.augment = augment
        self.validation_share = validation_share
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
        """Fit on a table (n, p) or images (n, H, W, C) uint8.

        Parameters
        ----------
        validation : tuple (X, y) or (X, y, sensitive_features), or None
            Rows that choose the best epoch; None keeps a stratified part of the rows. Baselines
            that look at groups need sensitive_features here where the training rows have them.

        Raises
        ------
        InputError
            When rows cannot be used, `validation` is no such tuple, or a label in it was not in
            the training rows.
        """
        same_rows(X=X, y=y, sensitive_features=sensitive_features, sample_weight=sample_weight)
        X = check_design(self, X, reset=True)
        n = len(X)
        if sensitive_features is not None:
            sensitive_features = read_columns(sensitive_features, "sensitive_features", n)
        self.target_ = Target.fit(y, n, self.task)
        if self.target_.classes is not None:
            self.classes_ = self.target_.classes
        self.groups_ = self._learn_groups(sensitive_features, n)
        weight = checked_weight(sample_weight, n)
        codes, groups = self.target_.encode(y, n), self.groups_.codes(sensitive_features, n)
        seed = 0 if self.random_state is None else int(self.random_state)
        fitted: tuple[Any, ...] = (X, codes, groups)
        if validation is None:
            held = stratified_validation(strata(codes, groups), self.validation_share, seed)
            held &= held.sum() > 1  # a handful of rows: train on all, keep the last epoch
            later = tuple(part[held] for part in fitted)
            fitted = tuple(part[~held] for part in fitted)
            weight = None if weight is None else weight[~held]
        else:
            later = self._held(validation, groups=sensitive_features is not None)
        self._train(fitted, later, weight, seed, monitor)
        return self

    def _learn_groups(self, sensitive: Any, n: int) -> Groups:
        return Groups.fit(None, n, 0)

    def _held(self, validation: Any, *, groups: bool) -> tuple[Any, ...]:
        rows = read_validation(validation, groups=groups and self._judges_groups)
        with in_validation():
            X = check_design(self, rows.X, reset=False)
            codes = self.target_.encode(rows.y, len(X))
            return X, codes, self.groups_.codes(rows.sensitive_features, len(X))

    def _train(
        self,
        fitted: tuple[Any, ...],
        validation: tuple[Any, ...],
        weight: NDArray[np.float64] | None,
        seed: int,
        monitor: Monitor | None,
    ) -> None:
        device = pick_device(self.device)
        self.channels_ = channel_statistics(fitted[0]) if fitted[0].ndim == 4 else None
        rows, later = (rows_of(part[0], device, self.channels_) for part in (fitted, validation))
        y, y_held = (as_target(part[1], device) for part in (fitted, validation))
        groups, groups_held = (torch.as_tensor(p[2], device=device) for p in (fitted, validation))
        scale = None if weight is None else torch.as_tensor(weight, device=device).float()
        self.net_ = self._network(seed).to(device)
        recipe = recipe_of(self, fitted[0].shape)
        self._start(device)

        def losses(index: Tensor, chance: torch.Generator) -> dict[str, Tensor]:
            with mixed_precision(device):
                output = self.net_(rows.take(index, chance if recipe.augment else None))
            own = self._own(output, groups[index])
            each = row_loss(own, y[index])
            each = each if scale is None else each * scale[index]
            return {"loss": self._combine(each, groups[index])}

        def validate() -> dict[str, float]:
            output = self._outputs(later).float().to(device)
            each = row_loss(self._own(output, groups_held), y_held)
            return {"loss": float(self._judge(each, groups_held))}

        self.fit_ = fit_network(
            self.net_,
            losses,
            shuffled(len(rows), recipe.batch_size, device),
            len(rows),
            recipe,
            seed=seed,
            validate=validate if len(later) else None,
            monitor=monitor,
            task=self._task_title,
        )
        self.net_ = at_rest(self.net_)

    def fit_parts(
        self,
        fitted: tuple[Any, ...],
        validation: tuple[Any, ...],
        target: Target,
        weight: NDArray[np.float64] | None,
        seed: int,
        monitor: Monitor | None,
    ) -> Self:
        """Fit on rows that the caller has checked and split: (X, codes) each."""
        self.adopt(target, tuple(fitted[0].shape[1:]), None)
        whole = [(*part, np.zeros(len(part[0]), dtype=np.int64)) for part in (fitted, validation)]
        self._train(whole[0], whole[1], weight, seed, monitor)
        return self

    def adopt(self, target: Target, row_shape: tuple[int, ...], channels: Any) -> None:
        """Take over the learnt target and row shape."""
        self.target_, self.row_shape_, self.channels_ = target, row_shape, channels
        self.n_features_in_ = int(np.prod(row_shape))
        if target.classes is not None:
            self.classes_ = target.classes
        self.groups_ = Groups.fit(None, 0, 0)

    def blank_network(self) -> nn.Module:
        """An untrained network of the right shape."""
        return self._network(0)

    def outputs(self, rows: RowSource) -> NDArray[np.float64]:
        """Logits (n, C), or standardised values (n, 1)."""
        return np.asarray(self._outputs(rows).numpy())

    def salient_parts(self, X: Any, classes: NDArray[np.int64]) -> NDArray[np.uint8]:
        """The parts (n, h, w) of images that speak for a class of each row, see `grad_cam`.

        Parameters
        ----------
        X : (n, H, W, C) uint8
        classes : (n,) codes
            Zeros for a regression.

        Raises
        ------
        InputError
            For a table, an encoder without feature maps, or heads for single groups.
        """
        X = check_design(self, X, reset=False)
        net = self.net_
        if self._heads_of_groups or not isinstance(net.encoder, ResNet18):
            raise InputError("parts of an image can be shown for one head on a ResNet-18 only")
        rows = rows_of(X, next(net.parameters()).device, self.channels_)
        head = cast("nn.Linear", net.head)
        return salient_parts(rows, net.encoder, lambda f, _: head(f), classes)

    def _network(self, seed: int) -> nn.Module:
        heads = len(self.groups_.names) if self._heads_of_groups else 1
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            body = make_encoder(self.encoder, self.row_shape_, self.hidden_sizes)
            if self.pretrained is not None:
                load_weights(body, self.pretrained)
            net: nn.Module = Headed(body, heads * self.target_.n_outputs)
        return channels_last(net) if len(self.row_shape_) == 3 else net

    def _start(self, device: torch.device) -> None:
        """Nothing to prepare."""

    def _own(self, output: Tensor, groups: Tensor) -> Tensor:
        """The outputs that apply to each row (b, C)."""
        return output

    def _combine(self, each: Tensor, groups: Tensor) -> Tensor:
        return each.mean()

    def _judge(self, each: Tensor, groups: Tensor) -> Tensor:
        return each.mean()

    def _outputs(self, rows: RowSource) -> Tensor:
        self.net_.eval()
        return in_pieces(rows, self.net_)

    def _answers(self, X: Any, sensitive: Any) -> NDArray[np.float64]:
        """Probabilities (n, C), or standardised values (n, 1)."""
        same_rows(X=X, sensitive_features=sensitive)
        X = check_design(self, X, reset=False)
        device = next(self.net_.parameters()).device
        output = self._outputs(rows_of(X, device, self.channels_, precision(self.net_)))
        groups = torch.as_tensor(self.groups_.codes(sensitive, len(X)))
        own = self._own(output, groups).numpy()
        return own if self.target_.classes is None else softmax(own)

    @available_if(classifies)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any, sensitive_features: Any = None) -> NDArray[np.float64]:
        """Probabilities (n, C); a regression has none."""
        return self._answers(X, sensitive_features)

    def predict(self, X: Any, sensitive_features: Any = None) -> NDArray[Any]:
        """Labels, or values, (n,)."""
        answers = self._answers(X, sensitive_features)
        return self.target_.decode(answers)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Accuracy, or R² for regression."""
        return score(self, X, y, sample_weight)

    def __sklearn_tags__(self) -> Any:
        return estimator_tags(super().__sklearn_tags__(), self.task)

    def save(self, folder: str | Path) -> None:
        """Write the fitted model into a folder.

        Raises
        ------
        NotFittedError
            Before `fit`.
        """
        check_is_fitted(self, "net_")
        meta = {
            "params": self.get_params(),
            **state_of_target(
                self.target_, self.row_shape_, getattr(self, "feature_names_in_", None)
            ),
            "groups": self.groups_.state(),
            "channels": None if self.channels_ is None else [c.tolist() for c in self.channels_],
        }
        arrays = {k: v.cpu().numpy() for k, v in self.net_.state_dict().items()}
        save_state(folder, type(self).__name__, meta, arrays)

    @classmethod
    def load(cls, folder: str | Path, device: str = "auto") -> Self:
        """Read what `save` wrote.

        Raises
        ------
        IntegrityError
            When files are missing, damaged or of another estimator.
        """
        meta, arrays = load_state(folder, cls.__name__)
        meta["params"]["hidden_sizes"] = tuple(meta["params"]["hidden_sizes"])
        model = cls(**meta["params"])
        with_learnt(model, target_of_state(meta))
        model.groups_ = Groups.from_state(meta["groups"])
        channels = meta["channels"]
        model.channels_ = (
            None if channels is None else (np.array(channels[0]), np.array(channels[1]))
        )
        model.net_ = model.blank_network()
        model.net_.load_state_dict({k: torch.as_tensor(v) for k, v in arrays.items()})
        model.net_ = at_rest(model.net_.to(pick_device(device)).eval())
        return model


def strata(codes: NDArray[Any], groups: NDArray[np.int64]) -> NDArray[np.int64]:
    classes = codes if codes.dtype.kind == "i" else np.zeros(len(codes), dtype=np.int64)
    return groups * (int(classes.max(initial=0)) + 1) + classes


def group_means(each: Tensor, groups: Tensor, n_groups: int) -> tuple[Tensor, Tensor]:
    """Mean loss of every group (G,) and the number of its rows (G,); absent groups give 0."""
    member = nn.functional.one_hot(groups.clamp_min(0), n_groups).to(each.dtype)
    member = member * (groups >= 0).unsqueeze(1)  # (b, G)
    counts = member.sum(0)
    return each @ member / counts.clamp_min(1), counts

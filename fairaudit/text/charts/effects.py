"""What the charts of cluster effects say in words."""

from __future__ import annotations

from fairaudit.text.sentences.phrases import Row

FOR_A_PATH = (
    "For the debiasing path, set a performance budget on the Train page and run the audit again."
)
FOR_A_FRONT = (
    "For a Pareto front of loss weights, set the number of search trials on the Train "
    "page in expert mode."
)
NO_IMPORTANCE = "Feature importance is not available."
NO_PATH = "There is no debiasing path."
NO_CLUSTER = "No cluster has enough test rows to be judged."
ALL_SEEN = (
    "All clusters of the test rows were seen in training. To evaluate unseen clusters, "
    "choose a split by whole clusters on the Train page."
)
NO_VARIANCE = "The variance decomposition is not available."
NO_TRIAL = "No trial has finished yet."


def no_effect(effect: str) -> str:
    """There is no such effect."""
    return f"There is no effect named {effect}."


def effect(effect: str, clusters: int, low: Row, high: Row, significant: int) -> str:
    """The clusters with the lowest and the highest effect."""
    return (
        f"Effect “{effect}” of {clusters:,} clusters: lowest {low['cluster']} "
        f"{low['mean']:.3f} ({low['low']:.3f} to {low['high']:.3f}), "
        f"highest {high['cluster']} {high['mean']:.3f} ("
        f"{high['low']:.3f} to {high['high']:.3f}); {significant:,} intervals exclude zero."
    )


def importance(model: str, features: str) -> str:
    """The most important features of the first model."""
    return f"Most important features of {model}: {features}."


def variance(shares: str) -> str:
    """What the unexplained variance consists of."""
    return f"The variance not explained by the features consists of {shares}."

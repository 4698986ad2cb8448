"""What is said above and below the images of an audit: who decides which of them wrongly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from fairaudit.audit.model_answers import ModelAnswers, Selection
from fairaudit.audit.result import AuditResult
from fairaudit.text import numbers
from fairaudit.text.meaning import claim_of
from fairaudit.text.voice import Voice, voice_of

NO_ACCESS = (
    "The images belong to a dataset that was not shared with you; its owner can share it on the "
    "Data page."
)
SALIENCY = "Show what speaks for the answer"
SALIENCY_HELP = (
    "Grad-CAM (Selvaraju et al., 2017) on the deepest layer of at least 7 × 7 parts. Stored for "
    "test images that are predicted wrongly or differently by the models, 60 in each group."
)
SALIENCY_NOTE = (
    "Bright parts raise the score of the class that {model} predicts; dark parts do not. They "
    "show where the network looks, not why, and a wrong answer may look at the right place."
)
NO_ROWS = "No image is shown by this choice."


@dataclass(frozen=True)
class Caption:
    """The words below one image.

    Attributes
    ----------
    actual : str
        "actual: smiling", "" where the outcome is not known.
    answers : tuple of (str, bool or None)
        Each model's answer in words, and whether it is right.
    """

    actual: str
    answers: tuple[tuple[str, bool | None], ...]

    @property
    def alt(self) -> str:
        """The same as one line."""
        said = [f"{words}{_MARKS[right]}" for words, right in self.answers]
        return "; ".join(filter(None, [self.actual, *said]))


_MARKS: Mapping[bool | None, str] = {True: " (right)", False: " (wrong)", None: ""}


def selections(result: AuditResult) -> Mapping[Selection, str]:
    """The kinds of images that can be shown, in words, the most telling first."""
    voice = voice_of(result)
    several = result.errors["model"].n_unique() > 1
    kinds: dict[Selection, str] = {}
    if voice.judges and result.summary.get("task") != "regression":
        kinds["wrong"] = "Wrong predictions"
        if result.summary.get("task") == "binary":
            kinds["fp"] = "False positives" + _aside("fpr", voice)
            kinds["fn"] = "False negatives" + _aside("fnr", voice)
    if several:
        kinds["disagree"] = "Models disagree"
    kinds["all"] = "All images"
    return kinds


def _aside(rate: str, voice: Voice) -> str:
    claim = claim_of(rate, voice)
    return f" ({claim.aside})" if claim is not None and claim.aside else ""


def group_heading(people: str, selection: Selection, model: str, *, shown: int, total: int) -> str:
    """`**Dark images**: 12 of 80 are predicted wrongly by erm.`; `people` names the group."""
    who = f"**{people[:1].upper()}{people[1:]}**"
    if selection == "all":
        return f"{who}: {total:,}."
    verb = "is" if shown == 1 else "are"
    return f"{who}: {shown:,} of {total:,} {_KINDS[selection].format(verb=verb, model=model)}."


_KINDS: Mapping[Selection, str] = {
    "wrong": "{verb} predicted wrongly by {model}",
    "fp": "{verb} false positives of {model}",
    "fn": "{verb} false negatives of {model}",
    "disagree": "{verb} answered differently by the models",
}


def first_image(row: int) -> str:
    """The alternative text of an image that nothing is known of yet."""
    return f"Image of row {row}"


def captions(result: AuditResult, answers: ModelAnswers, rows: pl.DataFrame) -> list[Caption]:
    """The words below each image of some rows."""
    voice = voice_of(result)
    names = _class_names(result, voice)
    return [
        Caption(
            f"actual: {_label(row['y'], names)}" if row["y"] is not None else "",
            tuple(_answer(model, row, names) for model in answers.models),
        )
        for row in rows.iter_rows(named=True)
    ]


def _answer(
    model: str, row: Mapping[str, object], names: Sequence[str]
) -> tuple[str, bool | None]:
    label = row[ModelAnswers.column(model)]
    right = None if row["y"] is None else label == row["y"]
    return f"{model}: {_label(label, names)}", right


def _class_names(result: AuditResult, voice: Voice) -> Sequence[str]:
    if voice.positive or voice.negative:
        return [voice.negative, voice.positive]
    return [str(name) for name in result.summary.get("classes") or []]


def _label(label: object, names: Sequence[str]) -> str:
    if label is None:
        return "no answer"
    number = float(str(label))
    if number.is_integer() and 0 <= number < len(names):
        return names[int(number)]
    return numbers.number_text(number)

"""Where a score decides: one question for each score that has no decisions beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st

from fairaudit.audit.score_scale import FEW_SELECTED
from fairaudit.data.roles import ColumnRoles, Cut
from fairaudit.stats.metric_definitions import CUT
from fairaudit.text import numbers
from fairaudit.text.meaning import selected_word
from fairaudit.text.voice import Voice
from fairaudit.ui import cache, layout
from fairaudit.ui.score_scale import ScoreScale

_SIDES: Mapping[str, str] = {"above": "this or more", "below": "this or less"}


def lone_scores(predictions: Sequence[str], scores: Sequence[str]) -> tuple[str, ...]:
    """Scores without decisions beside them: as many of one as of the other are pairs."""
    return () if len(predictions) == len(scores) else tuple(scores)


def first_cut(scale: ScoreScale, positives: float | None, voice: Voice) -> tuple[float, str, bool]:
    """A cut to start from, why, and whether it is a usual one rather than one to confirm.

    Parameters
    ----------
    scale : ScoreScale
    positives : float or None
        The share of rows whose outcome is positive, where an outcome is known.
    voice : Voice
    """
    if scale.low >= 0 and scale.high <= 1:
        return CUT, "a score from 0 to 1 is usually cut at 0.5", True
    if positives is not None:
        at = scale.nearest(positives)
        chosen, outcome = selected_word(voice), voice.target
        return at, (
            f"at this cut about as many are {chosen} as have {outcome} = {voice.positive} "
            f"({numbers.percent(positives)} of the rows)"
        ), False  # fmt: skip
    middle = scale.values[scale.values <= (scale.low + scale.high) / 2]
    return float(middle[-1]), "it is the middle of the scale", False


def questions(
    sha256: str, roles: ColumnRoles, start: ColumnRoles, voice: Voice, *, key: str
) -> dict[str, Cut]:
    """The cut of each lone score; nothing is asked where there is none.

    Parameters
    ----------
    sha256 : the dataset
    roles : as chosen in the form
    start : the suggested roles, or those accepted before
    voice : how the audit will speak
    key : prefix of the widgets' keys
    """
    lone = lone_scores(roles.predictions, roles.scores)
    if roles.task == "regression" or not lone:
        return {}
    cuts: dict[str, Cut] = {}
    with st.container(border=True, key="score-cuts"):
        st.header("From which score on is a person " + selected_word(voice) + "?", anchor=False)
        for name in lone:
            scale = cache.scale(sha256, name)
            if scale is None:
                layout.note(f"**{name}** holds no two different numbers: it cannot decide.")
                continue
            positives = cache.positives(sha256, roles.target, roles.positive)
            cuts[name] = _question(name, scale, start.cuts.get(name), positives, voice, key)
    return cuts


def _question(
    name: str,
    scale: ScoreScale,
    stated: Cut | None,
    positives: float | None,
    voice: Voice,
    key: str,
) -> Cut:
    at, why, usual = first_cut(scale, positives, voice)
    if stated is not None:
        at, why, usual = min(max(stated.at, scale.low), scale.high), "it was accepted before", True
    left, right = st.columns([3, 1], gap="medium", vertical_alignment="bottom")
    with left:
        at = _slider(name, scale, at, f"{key}-cut-{name}")
    with right:
        side = st.segmented_control(
            f"{selected_word(voice).capitalize()} at",
            list(_SIDES),
            default="above" if stated is None else stated.side,
            required=True,
            format_func=lambda s: _SIDES[str(s)],
            key=f"{key}-side-{name}",
        )
    cut = Cut(at=at, side="below" if side == "below" else "above")
    layout.note(_share_words(name, scale, cut, voice))
    if not usual:
        st.badge("Please confirm", color="orange", icon=":material/help:")
    st.caption(layout.escaped(f"Suggested because {why}."))
    return cut


def _slider(name: str, scale: ScoreScale, at: float, key: str) -> float:
    label = f"Cut of {layout.escaped(name)} (it runs from {scale.low:g} to {scale.high:g})"
    whole = all(float(n).is_integer() for n in (scale.low, scale.high, scale.step, at))
    kind = int if whole else float
    low, high, value, step = (kind(n) for n in (scale.low, scale.high, at, scale.step))
    form = None if whole else f"%.{max(0, -int(np.floor(np.log10(scale.step))))}f"
    return float(st.slider(label, low, high, value, step, format=form, key=key))


def _share_words(name: str, scale: ScoreScale, cut: Cut, voice: Voice) -> str:
    share = scale.share(cut)
    verb = selected_word(voice)
    text = (
        f"**{numbers.percent(share)}** of the rows are {verb} by {name} "
        f"({round(share * len(scale.values)):,} of {len(scale.values):,})."
    )
    if not FEW_SELECTED < share < 1 - FEW_SELECTED:
        text += f" Nearly {'all' if share > 0.5 else 'none'} are {verb}: check the cut."
    return text

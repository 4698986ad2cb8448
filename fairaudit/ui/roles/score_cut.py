"""Where a score decides: one question for each score that has no decisions beside it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import streamlit as st

from fairaudit.audit.score_scale import FEW_SELECTED
from fairaudit.data.doctor.mending import mends_of
from fairaudit.data.roles import ColumnRoles, Cut
from fairaudit.stats.metric_definitions import CUT
from fairaudit.text import numbers
from fairaudit.text.meaning import selected_word
from fairaudit.text.screens import data as wording
from fairaudit.text.voice import Voice
from fairaudit.ui import cache, layout
from fairaudit.ui.score_scale import LoneScore, ScoreScale

_SIDES: Mapping[str, str] = {"above": "this or more", "below": "this or less"}


def first_cut(score: LoneScore, scale: ScoreScale, voice: Voice) -> tuple[Cut, str, bool]:
    """A cut to start from, the reason, and whether table or usage implies it (else: confirm)."""
    if score.suggested is not None:
        return score.suggested.cut, score.suggested.reason, score.suggested.sure
    if scale.low >= 0 and scale.high <= 1:
        usual = score.side == "above" or score.named
        turned = f", and low scores are the ones with more {voice.positive}"
        if score.named:
            turned = f", and by its name low scores mean {voice.positive}"
        why = f"a score from 0 to 1 is usually cut at 0.5{'' if score.side == 'above' else turned}"
        return Cut(at=CUT, side=score.side), why, usual
    if score.positives is not None:
        chosen, outcome = selected_word(voice), voice.target
        return scale.nearest(score.positives, score.side), (
            f"at this cut about as many are {chosen} as have {outcome} = {voice.positive} "
            f"({numbers.percent(score.positives)} of the rows)"
        ), False  # fmt: skip
    middle = scale.values[scale.values <= (scale.low + scale.high) / 2]
    return Cut(at=float(middle[-1]), side=score.side), "it is the middle of the scale", False


def questions(
    sha256: str, roles: ColumnRoles, start: ColumnRoles, voice: Voice, *, key: str
) -> dict[str, Cut]:
    """The cut of each lone score; no question is shown where there is none.

    Parameters
    ----------
    sha256 : the dataset
    roles : as chosen in the form
    start : the suggested roles, or those accepted before
    voice : how the audit will speak
    key : prefix of the widgets' keys
    """
    if roles.task == "regression" or not roles.scores:
        return {}
    mends = mends_of(roles, start.mends)
    lone = cache.scores(sha256, roles.model_copy(update={"mends": mends, "cuts": {}}))
    if not lone:
        return {}
    cuts: dict[str, Cut] = {}
    with st.container(border=True, key="score-cuts"):
        st.header("From which score on is a person " + selected_word(voice) + "?", anchor=False)
        for score in lone:
            if score.scale is None:
                layout.note(wording.constant_score(score.name))
                continue
            stated = start.cuts.get(score.name)
            cuts[score.name] = _question(score, score.scale, stated, voice, key)
    return cuts


def _question(
    score: LoneScore, scale: ScoreScale, stated: Cut | None, voice: Voice, key: str
) -> Cut:
    name = score.name
    first, why, usual = first_cut(score, scale, voice)
    if stated is not None and stated != first:
        first, why, usual = stated, "it was accepted before", True
    at = min(max(first.at, scale.low), scale.high)
    left, right = st.columns([3, 1], gap="medium", vertical_alignment="bottom")
    with left:
        at = _slider(name, scale, at, f"{key}-cut-{name}")
    with right:
        side = st.segmented_control(
            f"{selected_word(voice).capitalize()} at",
            list(_SIDES),
            default=first.side,
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
    text = wording.selected(
        numbers.percent(share), verb, name, round(share * len(scale.values)), len(scale.values)
    )
    if not FEW_SELECTED < share < 1 - FEW_SELECTED:
        text += wording.check_cut("all" if share > 0.5 else "none", verb)
    return text

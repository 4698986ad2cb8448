"""The request for a fit: method cards, what a method lacks, its knobs, splits and device."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import streamlit as st
from pydantic import JsonValue

from fairaudit.audit.catalog import METHODS
from fairaudit.audit.knobs import Method
from fairaudit.audit.spec import AuditSpec, Device
from fairaudit.data.roles import ColumnRoles
from fairaudit.data.splits import SplitSpec
from fairaudit.data.store import DatasetInfo
from fairaudit.jobs.spec import JobSpec
from fairaudit.text.quantities import count, listed
from fairaudit.ui import cache, forms, layout, session

COMPARE, SWEEP, STRESS = "compare", "sweep", "stress"
_SUFFIX: Mapping[str, str] = {SWEEP: ": number of groups", STRESS: ": stress tests"}
_DEVICES: dict[Device, str] = {"auto": "Automatic", "cpu": "CPU", "cuda": "GPU"}
_SPLITS = {"rows": "Rows at random", "cluster": "Whole clusters", "column": "The given column"}


def lead(info: DatasetInfo, roles: ColumnRoles) -> str:
    """The sentence at the head of the page."""
    groups = listed(roles.sensitive) if roles.sensitive else "no sensitive attribute"
    return (
        f"A model of **{roles.target or 'nothing yet'}** is fitted on 60% of the "
        f"**{count(info.rows, 'row')}** of **{info.name}** and judged on 20% it never saw, "
        f"by **{groups}**."
    )


def offered(*, expert: bool) -> list[str]:
    """Methods in the order people meet them; guided mode leaves out the further baselines."""
    return [*(name for name, method in METHODS.items() if expert or method.guided), COMPARE]


def recommended(roles: ColumnRoles, *, images: bool) -> str:
    """What guided mode proposes for data of this shape."""
    if images:
        return "fair-sde"
    if not roles.sensitive:
        return "erm"
    return "fair-medl" if roles.cluster is not None else "rome-em"


def lacking(name: str, roles: ColumnRoles, *, images: bool) -> list[str]:
    """What keeps a choice from starting, in plain words."""
    if roles.target is None:
        return ["No outcome is chosen: choose the column to predict on the Data page."]
    if name == COMPARE:
        able = len(able_methods(roles, images=images))
        return [] if able > 1 else ["A comparison needs two methods that can run on this data."]
    method = METHODS[name]
    return [
        f"{method.title} cannot start: {reason}."
        for reason in forms.lacks(
            method,
            sensitive=bool(roles.sensitive),
            cluster=roles.cluster is not None,
            task=roles.task,
            images=images,
        )
    ]


def ailments(sha256: str, roles: ColumnRoles) -> list[str]:
    """What the doctor says must be mended before anything can be fitted."""
    found = cache.findings(sha256, roles).problems
    return [f"{p.text} → {p.remedy}" for p in found if p.severity == "error"]


def able_methods(roles: ColumnRoles, *, images: bool) -> list[str]:
    """Every method of the catalog that can run on this data."""
    return [n for n in offered(expert=True)[:-1] if not lacking(n, roles, images=images)]


def method_cards(roles: ColumnRoles, *, images: bool, expert: bool) -> str:
    """One card a method, with what it lacks; the chosen name."""
    names = offered(expert=expert)
    proposed = recommended(roles, images=images)
    chosen: str = st.radio(
        "Method",
        names,
        index=names.index(proposed),
        format_func=lambda n: _title(n) + (" · proposed" if n == proposed else ""),
        captions=[_caption(n, roles, images) for n in names],
        key="method",
    )
    return chosen


def _title(name: str) -> str:
    return "Several methods, compared" if name == COMPARE else METHODS[name].title


def _caption(name: str, roles: ColumnRoles, images: bool) -> str:
    if name == COMPARE:
        words = "Same splits, same preparation, same budget; paired intervals on the differences."
    else:
        words = METHODS[name].summary
    missing = [] if roles.target is None else lacking(name, roles, images=images)
    return f"{words} **Not yet: {missing[0].split(': ', 1)[1]}**" if missing else words


def request(
    name: str, roles: ColumnRoles, info: DatasetInfo, *, expert: bool
) -> tuple[dict[str, Any], Device]:
    """The settings below the cards: the audit's fields and the device."""
    images = info.kind == "images"
    kind = COMPARE if name == COMPARE else "train"
    with st.container(border=True):
        if name == COMPARE:
            params = _comparison(roles, images=images)
        else:
            kind = _work(name)
            params = _knobs(METHODS[name], roles, expert=expert)
            if kind == SWEEP:
                params = {**params, "n_groups": _counts()}
        fields, device = _terms(roles, expert=expert)
    title = f"{_title(name)} on {Path(info.name).stem}"
    title += _SUFFIX.get(kind, "")
    fields |= {
        "roles": roles,
        "kind": kind,
        "method": name if name != COMPARE else "erm",
        "params": params,
        "title": (
            st.text_input("Name", title, key=f"title-{name}-{kind}-{info.sha256[:8]}")
            if expert
            else title
        )
        or title,
    }
    return fields, device


def _work(name: str) -> str:
    """One fit, or the further work a method knows: all numbers of groups, stress tests."""
    works = {work.kind: work for work in METHODS[name].works}
    if not works:
        return "train"
    labels: dict[str, str] = {kind: work.label for kind, work in works.items()}
    labels = {"train": next(iter(works.values())).once, **labels}
    chosen: str = st.segmented_control(
        "What to find out",
        list(labels),
        default="train",
        required=True,
        format_func=labels.__getitem__,
        key=f"work-{name}",
        help=" ".join(work.help for work in works.values()),
    )
    return chosen


def _counts() -> list[JsonValue]:
    most: int = st.slider("Try 1 up to … groups", 2, 12, 6, key="most-groups")
    return list(range(1, most + 1))


def _knobs(method: Method, roles: ColumnRoles, *, expert: bool) -> Mapping[str, JsonValue]:
    if method.source:
        layout.quiet(f"Source: {method.source}")
    return forms.method_form(
        method, key=f"knob-{method.name}", expert=expert, columns=roles.sensitive
    )


def _comparison(roles: ColumnRoles, *, images: bool) -> Mapping[str, JsonValue]:
    able = able_methods(roles, images=images)
    usual = [name for name in able if METHODS[name].compared]
    left, right = st.columns([3, 1])
    methods: list[str] = left.multiselect(
        "Methods to compare", able, usual, format_func=_title, key="compare-methods"
    )
    seeds: int = right.number_input(
        "Seeds", 2, 50, 5, key="compare-seeds", help="Each seed splits the rows anew."
    )
    return {"methods": list(methods), "seeds": seeds}


def _terms(roles: ColumnRoles, *, expert: bool) -> tuple[dict[str, Any], Device]:
    cells = st.columns(4 if expert else 2, vertical_alignment="bottom")
    device = _device(cells[0])
    splits = _possible_splits(roles)
    with cells[1]:
        by = st.selectbox(
            "How rows are divided",
            splits,
            index=len(splits) - 1 if roles.split is not None else 0,
            format_func=_SPLITS.__getitem__,
            key="split-by",
            help="By whole clusters asks: how does the model do at a site it never saw?",
        )
    if not expert:
        return {"split": SplitSpec(by=by)}, device
    seed = cells[2].number_input("Seed", 0, 10**6, 0, key="seed")
    usual = AuditSpec.model_fields["confidence"].default
    sure = cells[3].number_input("Confidence", 0.51, 0.999, usual, 0.01, key="confidence")
    more = st.columns(5 if _has_umap() else 4, vertical_alignment="bottom")
    validation = more[0].number_input("Validation share", 0.05, 0.6, 0.2, 0.05, key="validation")
    test = more[1].number_input("Test share", 0.05, 0.6, 0.2, 0.05, key="test")
    depth = more[2].number_input("Depth of crossings", 1, 6, 2, key="intersections")
    least = more[3].number_input("Hide groups below (rows)", 0, 1000, 0, key="suppress")
    fields = {
        "split": SplitSpec(by=by, validation=validation, test=test),
        "seed": seed,
        "confidence": sure,
        "intersections": depth,
        "suppress_below": least,
    }
    if _has_umap():
        fields["projection"] = more[4].selectbox(
            "Picture of groups", ["pca", "umap"], format_func=str.upper, key="projection"
        )
    return fields, device


def _has_umap() -> bool:
    return find_spec("umap") is not None


def _device(cell: Any) -> Device:
    gpu = Path("/proc/driver/nvidia/version").exists()
    with cell:
        chosen: Device = st.segmented_control(
            "Device",
            list(_DEVICES),
            default="auto",
            required=True,
            format_func=lambda d: _DEVICES[d],
            key="device",
            help="Automatic takes a GPU where there is one." if gpu else "No GPU was found here.",
        )
    return chosen


def _possible_splits(roles: ColumnRoles) -> list[str]:
    has = {"rows": True, "cluster": roles.cluster is not None, "column": roles.split is not None}
    return [name for name in _SPLITS if has[name]]


def start(sha256: str, fields: Mapping[str, Any], device: Device) -> None:
    """Queue the job and go where its progress is shown."""
    spec = AuditSpec.model_validate(dict(fields))
    job = session.workspace().submit(JobSpec(dataset=sha256, audit=spec, device=device))
    cache.forget_jobs()
    session.choose_audit(job)
    session.open_page("jobs")

"""The form for training: method cards, missing requirements, parameters, split and device."""

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
from fairaudit.data.splits import DEFAULT_SPLIT, SplitSpec
from fairaudit.data.store import DatasetInfo
from fairaudit.jobs.spec import JobSpec
from fairaudit.text.numbers import count, listed
from fairaudit.text.screens import train as wording
from fairaudit.ui import cache, forms, glossary, layout, session
from fairaudit.ui.roles import declared

COMPARE, SWEEP, STRESS = "compare", "sweep", "stress"
_SUFFIX: Mapping[str, str] = {SWEEP: ": number of groups", STRESS: ": stress tests"}
_DEVICES: dict[Device, str] = {"auto": "Automatic", "cpu": "CPU", "cuda": "GPU"}
_SPLITS = {"rows": "Random rows", "cluster": "Whole clusters", "column": "Predefined split"}


def lead(info: DatasetInfo, roles: ColumnRoles) -> str:
    """The lead sentence of the page."""
    groups = listed(roles.sensitive) if roles.sensitive else "no sensitive attribute"
    return wording.plan(
        roles.target or "no outcome yet", count(info.rows, "row"), info.name, groups
    )


def offered(*, expert: bool) -> list[str]:
    """Methods in the order they are shown; guided mode leaves out the other baselines."""
    return [*(name for name, method in METHODS.items() if expert or method.guided), COMPARE]


def recommended(roles: ColumnRoles, *, images: bool) -> str:
    """The method recommended for data of this kind."""
    if images:
        return "fair-sde"
    if not roles.sensitive:
        return "erm"
    return "fair-medl" if roles.cluster is not None else "rome-em"


def missing(name: str, roles: ColumnRoles, *, images: bool) -> list[str]:
    """Reasons why a method cannot be started."""
    if roles.target is None:
        return [wording.NO_OUTCOME]
    if name == COMPARE:
        able = len(able_methods(roles, images=images))
        return [] if able > 1 else [wording.TOO_FEW_METHODS]
    method = METHODS[name]
    return [
        f"{method.title} cannot start: {reason}."
        for reason in forms.obstacles(
            method,
            sensitive=bool(roles.sensitive),
            cluster=roles.cluster is not None,
            task=roles.task,
            images=images,
        )
    ]


def data_errors(sha256: str, roles: ColumnRoles) -> list[str]:
    """Problems of the data that must be fixed before a model can be trained."""
    problems = cache.findings(sha256, roles).problems
    return [f"{p.text} → {p.remedy}" for p in problems if p.severity == "error"]


def able_methods(roles: ColumnRoles, *, images: bool) -> list[str]:
    """Every method of the catalog that can run on this data."""
    return [n for n in offered(expert=True)[:-1] if not missing(n, roles, images=images)]


def method_cards(roles: ColumnRoles, *, images: bool, expert: bool) -> str:
    """One card per method, with what is missing for it; returns the chosen name."""
    names = offered(expert=expert)
    suggested = recommended(roles, images=images)
    chosen: str = st.radio(
        "Method",
        names,
        index=names.index(suggested),
        format_func=lambda n: _title(n) + _recommendation(n, suggested),
        captions=[_caption(n, roles, images) for n in names],
        key="method",
    )
    return chosen


def _recommendation(name: str, suggested: str) -> str:
    """What a method is recommended for: on tables trees predict best, ROME finds hidden groups."""
    if suggested != "rome-em":
        return " · recommended" if name == suggested else ""
    purpose = {"rome-em": "for finding hidden groups", "boosting-s": "for predicting"}.get(name)
    return f" · recommended {purpose}" if purpose else ""


def _title(name: str) -> str:
    return "Several methods, compared" if name == COMPARE else METHODS[name].title


def _caption(name: str, roles: ColumnRoles, images: bool) -> str:
    summary = wording.COMPARED if name == COMPARE else METHODS[name].summary
    reasons = [] if roles.target is None else missing(name, roles, images=images)
    return f"{summary} **Not available: {reasons[0].split(': ', 1)[1]}**" if reasons else summary


def request(
    name: str, roles: ColumnRoles, info: DatasetInfo, *, expert: bool
) -> tuple[dict[str, Any], Device]:
    """The settings below the cards: the fields of the audit and the device."""
    images = info.kind == "images"
    kind = COMPARE if name == COMPARE else "train"
    with st.container(border=True):
        if name == COMPARE:
            params = _comparison(roles, images=images)
        else:
            kind = _work(name)
            params = _parameters(METHODS[name], roles, expert=expert)
            if kind == SWEEP:
                params = {**params, "n_groups": _counts()}
        fields, device = _run_settings(roles, expert=expert)
        fields["primary"] = question = declared.primary_declared(roles)
        if expert:
            fields["primary"] = declared.primary_input(roles, info.sha256, start=question)
            fields["controls"] = declared.controls_input(roles, info.names)
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
    """A single fit, or what else a method offers: all numbers of groups, stress tests."""
    works = {work.kind: work for work in METHODS[name].works}
    if not works:
        return "train"
    labels: dict[str, str] = {kind: work.label for kind, work in works.items()}
    labels = {"train": next(iter(works.values())).once, **labels}
    chosen: str = st.segmented_control(
        "What to find out",
        list(labels),
        default=SWEEP if SWEEP in works else "train",  # one group is an answer too
        required=True,
        format_func=labels.__getitem__,
        key=f"work-{name}",
        help=" ".join(work.help for work in works.values()),
    )
    return chosen


def _counts() -> list[JsonValue]:
    most: int = st.slider("Largest number of groups to try", 2, 12, 6, key="most-groups")
    return list(range(1, most + 1))


def _parameters(method: Method, roles: ColumnRoles, *, expert: bool) -> Mapping[str, JsonValue]:
    if method.source:
        layout.note(f"Source: {method.source}")
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
    seeds: int = right.number_input("Seeds", 2, 50, 5, key="compare-seeds", help=wording.SEEDS)
    return {"methods": list(methods), "seeds": seeds}


def _run_settings(roles: ColumnRoles, *, expert: bool) -> tuple[dict[str, Any], Device]:
    cells = st.columns(4 if expert else 2, vertical_alignment="bottom")
    device = _device(cells[0])
    splits = _possible_splits(roles)
    with cells[1]:
        by = st.selectbox(
            "Split by",
            splits,
            index=len(splits) - 1 if roles.split is not None else 0,
            format_func=_SPLITS.__getitem__,
            key="split-by",
            help=wording.WHOLE_CLUSTERS,
        )
    if not expert:
        return {"split": SplitSpec(by=by)}, device
    return _expert_settings(cells[2], cells[3], by), device


def _expert_settings(left: Any, right: Any, by: Any) -> dict[str, Any]:
    """What expert mode offers beside the split: shares, confidence, intersections."""
    seed = left.number_input("Seed", 0, 10**6, 0, key="seed")
    confidence = right.number_input(
        "Confidence", 0.51, 0.999, AuditSpec.model_fields["confidence"].default, 0.01,
        key="confidence", help=glossary.explanation("Confidence level"),
    )  # fmt: skip
    more = st.columns(7 if _has_umap() else 6, vertical_alignment="bottom")
    fields = {
        "split": _shares(more[0], more[1], by),
        "seed": seed,
        "confidence": confidence,
        **_group_settings(more[2], more[3]),
        "margin": declared.margin_input(more[4]),
        "merge_below": declared.merge_input(more[5]),
    }
    if _has_umap():
        fields["projection"] = more[6].selectbox(
            "Projection of groups", ["pca", "umap"], format_func=str.upper, key="projection"
        )
    return fields


def _shares(left: Any, right: Any, by: Any) -> SplitSpec:
    """The shares of validation and test rows."""
    usual = DEFAULT_SPLIT
    validation = left.number_input(
        "Validation share", 0.05, 0.6, usual.validation, 0.05, key="validation"
    )
    test = right.number_input("Test share", 0.05, 0.6, usual.test, 0.05, key="test")
    return SplitSpec(by=by, validation=validation, test=test)


def _group_settings(left: Any, right: Any) -> dict[str, int]:
    """How deep attributes are intersected, and below which size groups are hidden."""
    depth = left.number_input(
        "Intersection depth", 1, 6, AuditSpec.model_fields["intersections"].default,
        key="intersections", help=glossary.explanation("Intersection"),
    )  # fmt: skip
    least = right.number_input(
        "Hide groups smaller than", 0, 1000, 0,
        key="suppress", help=glossary.explanation("Suppressed"),
    )  # fmt: skip
    return {"intersections": depth, "suppress_below": least}


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
            help=wording.AUTOMATIC if gpu else wording.NO_GPU,
        )
    return chosen


def _possible_splits(roles: ColumnRoles) -> list[str]:
    has = {"rows": True, "cluster": roles.cluster is not None, "column": roles.split is not None}
    return [name for name in _SPLITS if has[name]]


def start(sha256: str, fields: Mapping[str, Any], device: Device) -> None:
    """Queue the job and open the page that shows its progress."""
    spec = AuditSpec.model_validate(dict(fields))
    job = session.workspace().submit(JobSpec(dataset=sha256, audit=spec, device=device))
    cache.forget_jobs()
    session.choose_audit(job)
    session.open_page("jobs")

"""Roles in a link: there and back, and nothing from a link that was tampered with."""

from __future__ import annotations

import base64
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairaudit.data.roles import ColumnRoles
from fairaudit.ui.roles_link import pack, unpack

NAMES = st.lists(st.text(min_size=1, max_size=12), max_size=6, unique=True)


@given(NAMES, NAMES, st.one_of(st.none(), st.text(max_size=8)))
def test_roles_come_back_as_they_were(
    features: list[str], sensitive: list[str], positive: str | None
) -> None:
    roles = ColumnRoles(features=tuple(features), sensitive=tuple(sensitive), positive=positive)
    assert unpack(pack(roles)) == roles


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "AAAA",
        "ü",
        base64.urlsafe_b64encode(zlib.compress(b"[]")).decode(),
        base64.urlsafe_b64encode(zlib.compress(b'{"target": "a", "sensitive": ["a"]}')).decode(),
        base64.urlsafe_b64encode(zlib.compress(b'{"unknown": 1}')).decode(),
    ],
)
def test_a_broken_link_means_no_roles(text: str) -> None:
    assert unpack(text) is None


def test_a_bomb_in_a_link_is_not_unpacked() -> None:
    bomb = zlib.compress(b'{"positive": "' + b"a" * 50_000_000 + b'"}', 9)
    assert unpack(base64.urlsafe_b64encode(bomb).decode()) is None


def test_a_link_stays_short_for_a_usual_table() -> None:
    roles = ColumnRoles(
        target="outcome",
        features=tuple(f"column_number_{i}" for i in range(100)),
        sensitive=("sex", "race"),
    )
    assert len(pack(roles)) < 1500

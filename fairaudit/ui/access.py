"""Who is using the dashboard: a single user, or a signed-in user where login is configured."""

from __future__ import annotations

import os

import streamlit as st

from fairaudit.jobs.users import Person
from fairaudit.text.screens import access as wording


def login_configured() -> bool:
    """Whether an `[auth]` section exists; only then does Streamlit report sign-in."""
    return "is_logged_in" in st.user.to_dict()


def person() -> Person | None:
    """Who is signed in, by issuer and subject; None for the single user of this machine."""
    if not login_configured():
        return None
    claims = {name: str(st.user.get(name) or "") for name in ("iss", "sub", "name", "email")}
    return Person(claims["iss"], claims["sub"], claims["name"] or claims["email"])


def require_login() -> None:
    """Show the sign-in screen and stop, unless no login is needed or the user is signed in."""
    if not login_configured() or st.user.get("is_logged_in"):
        return
    st.title("fairaudit")
    st.html(wording.SIGN_IN)
    if st.button("Sign in", type="primary", key="sign-in", icon=":material/login:"):
        st.login()
    st.stop()


def sign_out_control() -> None:
    """The signed-in user and a sign-out button; nothing for the single user."""
    if not login_configured():
        return
    st.text(str(st.user.get("name") or st.user.get("email") or st.user.get("sub", "")))
    if st.button("Sign out", key="sign-out", icon=":material/logout:"):
        st.logout()


def readonly() -> bool:
    """Whether this dashboard is read-only (an opened export, a public copy)."""
    return os.environ.get("FAIRAUDIT_READONLY", "").lower() in {"1", "true", "yes"}

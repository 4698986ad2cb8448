"""Who is looking: the single user by default, a signed-in person where login is configured."""

from __future__ import annotations

import os

import streamlit as st

from fairaudit.jobs.users import Person


def login_configured() -> bool:
    """Whether an `[auth]` section exists; Streamlit then says if somebody is signed in."""
    return "is_logged_in" in st.user.to_dict()


def person() -> Person | None:
    """Who is signed in, by issuer and subject; None for the single user of this machine."""
    if not login_configured():
        return None
    said = {name: str(st.user.get(name) or "") for name in ("iss", "sub", "name", "email")}
    return Person(said["iss"], said["sub"], said["name"] or said["email"])


def require_login() -> None:
    """Show the sign-in screen and stop, unless nobody needs to or somebody has."""
    if not login_configured() or st.user.get("is_logged_in"):
        return
    st.title("fairaudit")
    st.html("<p class='lead'>This workspace is shared. Sign in to see your data and audits.</p>")
    if st.button("Sign in", type="primary", key="sign-in", icon=":material/login:"):
        st.login()
    st.stop()


def sign_out_control() -> None:
    """Who is signed in, and the way out; nothing for the single user."""
    if not login_configured():
        return
    st.text(str(st.user.get("name") or st.user.get("email") or st.user.get("sub", "")))
    if st.button("Sign out", key="sign-out", icon=":material/logout:"):
        st.logout()


def readonly() -> bool:
    """Whether this dashboard only shows (an opened export, a public copy)."""
    return os.environ.get("FAIRAUDIT_READONLY", "").lower() in {"1", "true", "yes"}

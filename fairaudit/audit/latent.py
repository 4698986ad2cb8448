"""Latent groups of an existing system: found on one part of the rows, judged on another."""

from __future__ import annotations

from fairaudit.audit.profile import group_name, group_profile, overlap, plain_rules

__all__ = ["group_name", "group_profile", "overlap", "plain_rules"]

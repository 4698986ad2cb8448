"""Accepted roles as short text, so that a link or a refresh restores them."""

from __future__ import annotations

import base64
import binascii
import zlib

from pydantic import ValidationError

from fairaudit.data.roles import ColumnRoles

_LONGEST = 200_000  # bytes after unpacking, so that no link can exhaust the memory


def pack(roles: ColumnRoles) -> str:
    """Roles as URL-safe text."""
    content = roles.model_dump_json(exclude_defaults=True).encode()
    return base64.urlsafe_b64encode(zlib.compress(content, 9)).decode().rstrip("=")


def unpack(text: str) -> ColumnRoles | None:
    """The roles, or None if the text was not made by `pack`."""
    try:
        packed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        content = zlib.decompressobj().decompress(packed, _LONGEST)
        return ColumnRoles.model_validate_json(content)
    except (binascii.Error, ValueError, zlib.error, ValidationError):
        return None

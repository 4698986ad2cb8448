"""Limits beyond which a file is refused; they protect against bombs and mistakes."""

from __future__ import annotations

from dataclasses import dataclass

from fairaudit.exceptions import LimitExceeded

MB = 1 << 20
GB = 1 << 30


@dataclass(frozen=True)
class Limits:
    """Limits for one table.

    Parameters
    ----------
    file_bytes : int
        Largest file read into memory; `ingest` streams a plain CSV from a path and ignores it.
    expanded_bytes : int
        Largest size after decompression.
    ratio : int
        Largest decompression ratio, checked once more than 64 MB have been decompressed.
    sheet_bytes, json_bytes : int
        Largest unpacked workbook and JSON text; both need many times their size in memory.
    sheet_cells : int
        Largest rectangle around the filled cells of a sheet; empty cells need memory too.
    rows, columns, cells : int
        Largest table.
    cell_bytes : int
        Largest text value.
    """

    file_bytes: int = 2 * GB
    expanded_bytes: int = 8 * GB
    ratio: int = 500
    sheet_bytes: int = GB
    sheet_cells: int = 50_000_000
    json_bytes: int = 512 * MB
    rows: int = 200_000_000
    columns: int = 10_000
    cells: int = 4_000_000_000
    cell_bytes: int = MB

    def check_expansion(self, name: str, packed: int, expanded: int) -> None:
        """Raise if the decompressed bytes exceed the limit or grow like a bomb."""
        if expanded > self.expanded_bytes:
            raise LimitExceeded(
                f"'{name}' is more than {size_text(self.expanded_bytes)} when decompressed; "
                "decompress it yourself, keep the rows you need and use that file"
            )
        if expanded > 64 * MB and expanded > self.ratio * max(packed, 1):
            raise LimitExceeded(
                f"'{name}' expands to more than {self.ratio} times its size, like a "
                "decompression bomb; decompress it yourself and use the plain file"
            )

    def check_shape(self, name: str, rows: int, columns: int) -> None:
        """Raise if a table has too many rows or columns."""
        if columns > self.columns:
            raise LimitExceeded(
                f"'{name}' has {columns:,} columns; at most {self.columns:,} are read: keep the "
                "columns the audit needs (or transpose the table if rows and columns are swapped)"
            )
        if rows > self.rows or rows * columns > self.cells:
            raise LimitExceeded(
                f"'{name}' has {rows:,} rows and {columns:,} columns; at most {self.rows:,} rows "
                f"and {self.cells:,} cells are read: use a sample, or the columns you need"
            )

    def check_file(self, name: str, size: int) -> None:
        """Raise if a file is too large to be read into memory."""
        if size > self.file_bytes:
            raise LimitExceeded(
                f"'{name}' is {size_text(size)}; at most {size_text(self.file_bytes)} are read "
                "into memory: convert it to CSV and use `fairaudit ingest`, which streams"
            )


DEFAULT_LIMITS = Limits()


def size_text(size: float) -> str:
    """A readable size: "1.5 GB"."""
    for unit in ("bytes", "KB", "MB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} GB"

"""The encoding of a text file: certain for Unicode, else by how plausible its words become."""

from __future__ import annotations

import codecs
import math
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fairaudit.data.reading.alphabets import ALPHABETS, ENCODINGS, Alphabet
from fairaudit.data.reading.formats import Source, head_of, open_source, utf16_or_32
from fairaudit.exceptions import InputError

CHUNK = 4 << 20
_SAMPLE_BYTES = 12_000
_RIVALS = 3
_CHOICES = 6
_CERTAIN = 2.0  # logarithm of how much more plausible the best encoding has to be
_PLAUSIBLE = -5.5  # mean log probability of a byte, below which no encoding is plausible
_SYMBOLS = frozenset("“”„‚‘’–—…€£§°©®™«»·•±²³¹½¼¾№′″×¿¡µºª\u00a0、。「」（），：・【】～ー％")
_BESIDE_LETTERS = frozenset("“”–—…«»、。「」（），：・【】～ー％")
_BEFORE_LETTERS = frozenset("¿¡„‚‘№")
_BEHIND_LETTERS = frozenset("®™°²³")
_FINAL_LETTERS = frozenset("ςךםןףץ")
_IN_WORDS = frozenset("’·ー")
_FAR = -9.0
_ODD = -4.0
_FEW = 3  # letters: too few to identify an encoding
_ASCII_LETTER = -2.5
_CAPITALS = -0.4
_ALONE = -2.0
_WORD = re.compile(r"[^\W\d_]*[^\x00-\x7f](?:[^\x00-\x7f]|[^\W\d_])*")


@dataclass(frozen=True)
class EncodingGuess:
    """The encoding of a text file.

    Attributes
    ----------
    encoding : str
    alternatives : tuple of str
        Other encodings that are about as plausible and give other text.
    """

    encoding: str
    alternatives: tuple[str, ...] = ()


@dataclass(frozen=True)
class EncodingChoice:
    """One plausible encoding, with the first lines decoded by it."""

    encoding: str
    preview: tuple[str, ...]


@dataclass(frozen=True)
class _Candidate:
    encoding: str
    text: str
    score: float  # log probability
    letters: int  # bytes of its words

    @property
    def mean(self) -> float:
        """The log probability of a byte."""
        return self.score / max(self.letters, 1)


def guess_encoding(source: Source, name: str, chosen: str | None = None) -> EncodingGuess:
    """UTF-8 if the whole file is; else UTF-16 or UTF-32; else the most plausible encoding.

    Raises
    ------
    InputError
        For damaged UTF-8 (mostly valid) and lone surrogates, with the line number; for text that
        is not in the `chosen` encoding.
    """
    if chosen is not None:
        if not _decodes_whole(source, chosen):
            raise InputError(
                f"'{name}' could not be decoded as {chosen}; choose another encoding, or none to "
                "have it inferred"
            )
        return EncodingGuess(chosen)
    head = head_of(source)
    if (wide := utf16_or_32(head)) is not None:
        return EncodingGuess(wide)
    if re.search(rb"\x1b\$[@B]|\x1b\([IJ]", head):
        return EncodingGuess("iso2022_jp")
    broken = _first_broken_byte(source)
    if broken is None:
        return EncodingGuess("utf-8-sig" if head.startswith(codecs.BOM_UTF8) else "utf-8")
    return _by_plausibility(source, broken, name)


def encoding_choices(source: bytes | Path) -> list[EncodingChoice]:
    """The plausible encodings of a text file, best first, each with a preview.

    Parameters
    ----------
    source : bytes or Path
        A text file that is not in Unicode.

    Returns
    -------
    list of EncodingChoice
        Each with the first lines that have letters beyond ASCII; encodings that give the same
        lines are listed once. Empty for UTF-8, UTF-16 and UTF-32, which need no choice.

    Examples
    --------
    >>> choices = encoding_choices("płeć;y\\nkobieta;1\\nmężczyzna;0\\n".encode("cp1250"))
    >>> choices[0].encoding, choices[0].preview
    ('cp1250', ('płeć;y', 'mężczyzna;0'))
    """
    broken = None if utf16_or_32(head_of(source)) else _first_broken_byte(source)
    if broken is None:
        return []
    ranked = _ranked(_non_ascii_lines(_around(source, broken)))
    return [EncodingChoice(c.encoding, tuple(c.text.splitlines()[:5])) for c in ranked[:_CHOICES]]


def _first_broken_byte(source: Source) -> int | None:
    """Offset of the first invalid UTF-8 bytes, or None."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    at = 0
    with open_source(source) as stream:
        while chunk := stream.read(CHUNK):
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError as error:
                return max(at + error.start - 4, 0)
            at += len(chunk)
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return max(at - 4, 0)
    return None


def _by_plausibility(source: Source, broken: int, name: str) -> EncodingGuess:
    whole = _around(source, broken)
    sample = _non_ascii_lines(whole)
    ranked = _ranked(sample)
    surrogate = re.search(rb"\xed[\xa0-\xbf][\x80-\xbf]", sample)
    best_score = ranked[0].score if ranked else -math.inf
    damaged = _is_mostly_utf8(whole) and _damaged_utf8(sample) > best_score
    if surrogate or damaged:
        raise InputError(
            f"'{name}' is not valid UTF-8 near line {_line_of(source, broken):,}"
            f"{' (a lone surrogate)' if surrogate else ''}; open it in an editor and save it "
            "again as UTF-8"
        )
    best = next((c for c in ranked if _decodes_whole(source, c.encoding)), None)
    if best is None:
        raise InputError(f"the encoding of '{name}' cannot be determined; save it again as UTF-8")
    return EncodingGuess(best.encoding, tuple(_rivals(source, best, ranked)))


def _rivals(source: Source, best: _Candidate, ranked: list[_Candidate]) -> list[str]:
    """Encodings about as plausible as the best; if that is implausible itself, the next ones."""
    doubtful = best.mean < _PLAUSIBLE
    margin = _CERTAIN if best.letters > _FEW else 2 * _CERTAIN
    near = [
        c.encoding
        for c in ranked[ranked.index(best) + 1 :]
        if doubtful or best.score - c.score < margin
    ]
    return [encoding for encoding in near[:_RIVALS] if _decodes_whole(source, encoding)]


def _around(source: Source, broken: int) -> bytes:
    """One megabyte of whole lines from shortly before the first byte that is not UTF-8."""
    start = max(0, broken - (1 << 16))
    with open_source(source) as stream:
        stream.seek(start)
        sample = stream.read(CHUNK // 4)
    return sample[sample.find(b"\n") + 1 :] if start else sample


def _is_mostly_utf8(sample: bytes) -> bool:
    runs = re.findall(rb"[\x80-\xff]+", sample)
    valid = sum(_decoded(run, "utf-8") is not None for run in runs)
    return valid > len(runs) - valid


def _non_ascii_lines(sample: bytes) -> bytes:
    """The distinct lines with bytes beyond ASCII, from the first on, up to 12 kB."""
    lines = dict.fromkeys(
        line for line in re.split(rb"[\r\n]+", sample) if line and not line.isascii()
    )
    kept, size = [], 0
    for line in lines:
        if size > _SAMPLE_BYTES:
            break
        kept.append(line[:2000] if len(line) > 4000 else line)
        size += len(kept[-1])
    return b"\n".join(kept)


def _ranked(sample: bytes) -> list[_Candidate]:
    """The encodings that decode the sample, most plausible first, one for each decoded text."""
    candidates: dict[str, _Candidate] = {}
    for encoding, alphabets, rarity in ENCODINGS:
        text = _decoded(sample, encoding)
        if text is None:
            continue
        score, letters = max(
            (_log_probability(text, alphabet) for alphabet in ALPHABETS[alphabets].values()),
            key=lambda pair: pair[0],
        )
        candidate = _Candidate(encoding, text, score - rarity, letters)
        if text not in candidates or candidate.score > candidates[text].score:
            candidates[text] = candidate
    return sorted(candidates.values(), key=lambda c: -c.score)


def _decoded(sample: bytes, encoding: str) -> str | None:
    try:
        return sample.decode(encoding)
    except UnicodeDecodeError:
        return None


def _decodes_whole(source: Source, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with open_source(source) as stream:
            while chunk := stream.read(CHUNK):
                decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _damaged_utf8(sample: bytes) -> float:
    """The log probability of UTF-8 with a few broken letters."""
    text = sample.decode("utf-8", errors="replace")
    broken = len(re.findall("\ufffd+", text))
    whole = "\n".join(word for word in re.split(r"[\ufffd\n]", text) if not word.isascii())
    if not whole:
        return -math.inf
    best = max(
        _log_probability(whole, alphabet)[0]
        for alphabets in ALPHABETS.values()
        for alphabet in alphabets.values()
    )
    return best + _FAR * broken


def _log_probability(text: str, alphabet: Alphabet) -> tuple[float, int]:
    """The log probability of all distinct words with non-ASCII letters, and their bytes."""
    ranks = _log_frequencies(alphabet)
    total, letters = 0.0, 0
    for word in dict.fromkeys(_WORD.findall(text)):
        total += _word_score(word)
        letters += sum(2 if letter > "\u2e80" else 1 for letter in word)  # bytes
        for before, letter, after in _neighbours(word):
            if letter > "\x7f":
                total += _letter_score(before, letter, after, ranks, latin=alphabet.latin)
            else:
                total += _ASCII_LETTER
    return total, letters


def _word_score(word: str) -> float:
    """Lone letters are no words, and small letters do not follow several capitals.

    As codes, lone letters are capitals of another script than Latin.
    """
    if (
        len(word) > 2
        and word[:2].isupper()
        and not word.isupper()
        and word[2:].lower() != word[2:]
    ):
        return _ODD
    if len(word) > 1 or not word.isalpha() or word > "\u2e80":
        return 0.0
    latin = unicodedata.name(word, "").startswith("LATIN")
    return 0.0 if word.isupper() and not latin else _ALONE


def _neighbours(word: str) -> Iterator[tuple[str, str, str]]:
    return zip(" " + word, word, word[1:] + " ", strict=False)


@cache
def _log_frequencies(alphabet: Alphabet) -> dict[str, float]:
    """Zipf's law over the list of letters."""
    letters = dict.fromkeys(alphabet.letters)
    weights = [1 / (i + 1.5 * alphabet.spread) for i in range(len(letters))]
    whole = sum(weights)
    return {c: math.log(w / whole) for c, w in zip(letters, weights, strict=True)}


def _letter_score(
    before: str, letter: str, after: str, ranks: dict[str, float], *, latin: bool
) -> float:
    known = ranks.get(letter.lower(), ranks.get(letter))
    if known is None:
        return _foreign_score(before, letter, after)
    if letter.isupper() and before.islower():
        return known + _ODD
    if letter.isupper() and before.isupper():
        return known + _CAPITALS
    mixed = any(c.isascii() and c.isalpha() for c in (before, after))
    if mixed and not latin:
        return known + _ODD
    return known + _context_score(letter, before, after)


def _context_score(letter: str, before: str, after: str) -> float:
    """Letters that only occur in certain places of words."""
    odd = (
        (letter == "õ" and after not in "eEtpnhkmr")
        or (letter == "ã" and after.isalpha() and after not in "oOeEsS")
        or (letter in "ìù" and after.isalpha())
        or (letter == "ß" and not before.isalpha())
        or (letter in _FINAL_LETTERS and after.isalpha())
    )
    return _ODD if odd else 0.0


def _foreign_score(before: str, letter: str, after: str) -> float:
    """A character that the language does not use as a letter."""
    category = unicodedata.category(letter)
    if category in ("Cc", "Cn", "Co", "Cs"):
        return 2 * _FAR
    if letter in _SYMBOLS:
        return _FAR / 3 if _is_in_place(before, letter, after) else _FAR + 2
    if "\u4e00" <= letter <= "\u9fff" or "\uac00" <= letter <= "\ud7a3":
        return _FAR if _is_common_ideograph(letter) else 1.5 * _FAR
    return _FAR if letter.isalpha() else 1.2 * _FAR


def _is_in_place(before: str, letter: str, after: str) -> bool:
    """Whether a symbol stands where it usually does: beside letters, before them, or alone."""
    if letter in _IN_WORDS or not (before.isalpha() or after.isalpha()):
        return True
    if before.isalpha() and after.isalpha():
        return False
    side = _BEHIND_LETTERS if before.isalpha() else _BEFORE_LETTERS
    return letter in _BESIDE_LETTERS or letter in side


def _is_common_ideograph(letter: str) -> bool:
    """Whether a character is on the first level of its national standard."""
    for encoding, low, high in (("gb2312", 0xB0, 0xD7), ("big5", 0xA4, 0xC6)):
        try:
            code = letter.encode(encoding)
        except UnicodeEncodeError:
            continue
        if len(code) == 2 and low <= code[0] <= high:
            return True
    return "\uac00" <= letter <= "\ud7a3"


def _line_of(source: Source, offset: int) -> int:
    lines, left = 1, offset
    with open_source(source) as stream:
        while left > 0 and (chunk := stream.read(min(CHUNK, left))):
            lines += chunk.count(b"\n")
            left -= len(chunk)
    return lines

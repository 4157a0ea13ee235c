"""Seeded damage to bytes and to lines of text: what disks, editors, transfers and attackers do to a file."""

from __future__ import annotations

import random
from collections.abc import Callable

Change = Callable[[random.Random, bytearray], None]

EDGES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 0x7FFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF)
"""Numbers at the ends of words, where lengths and offsets overflow."""
N_CHANGES = (1, 1, 1, 2, 4)
"""One change reaches farthest into a reader."""


def damage_bytes(rng: random.Random, contents: bytes) -> bytes:
    """Give a copy with one to four changes."""
    changed = bytearray(contents)
    for _ in range(rng.choice(N_CHANGES)):
        rng.choice(_CHANGES)(rng, changed)
    return bytes(changed)


def damage_text(rng: random.Random, contents: bytes, tokens: tuple[bytes, ...]) -> bytes:
    """Give a copy with lines and words changed; one time in four, with bytes changed."""
    if rng.random() < 0.25:
        return damage_bytes(rng, contents)
    lines = contents.split(b"\n")
    for _ in range(rng.choice(N_CHANGES)):
        at = rng.randrange(len(lines))
        kind = rng.randrange(6)
        if kind == 0:
            del lines[at : at + rng.randint(1, 3)]
        elif kind == 1:
            lines.insert(at, rng.choice(lines))
        elif kind == 2:
            lines.insert(at, rng.choice(tokens))
        elif kind == 3:
            other = rng.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
        else:
            lines[at] = _reworded(rng, lines[at], tokens)
        lines = lines or [b""]
    return b"\n".join(lines)


def _reworded(rng: random.Random, line: bytes, tokens: tuple[bytes, ...]) -> bytes:
    """Replace a word of the line, or what follows its `=` or comma, by a token."""
    for separator in rng.sample((b"=", b",", b" ", b'"'), 4):
        parts = line.split(separator)
        if len(parts) > 1:
            parts[rng.randrange(len(parts))] = rng.choice(tokens)
            return separator.join(parts)
    return rng.choice(tokens)


def _flip_bit(rng: random.Random, data: bytearray) -> None:
    if data:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _set_byte(rng: random.Random, data: bytearray) -> None:
    if data:
        data[rng.randrange(len(data))] = rng.randrange(256)


def _set_word(rng: random.Random, data: bytearray) -> None:
    size = rng.choice((2, 4, 8))
    at = rng.randrange(max(1, len(data) - size))
    word = (rng.choice(EDGES) + rng.randint(-1, 1)) % (1 << 8 * size)
    data[at : at + size] = word.to_bytes(size, "little")


def _cut(rng: random.Random, data: bytearray) -> None:
    at = rng.randrange(max(1, len(data)))
    del data[at : at + rng.choice((1, 8, 64, len(data)))]


def _insert(rng: random.Random, data: bytearray) -> None:
    at = rng.randrange(max(1, len(data)))
    data[at:at] = rng.randbytes(rng.choice((1, 8, 64)))


def _clear(rng: random.Random, data: bytearray) -> None:
    at, size = rng.randrange(max(1, len(data))), rng.choice((8, 64, 512))
    size = len(data[at : at + size])
    data[at : at + size] = bytes([rng.choice((0, 255))]) * size


def _repeat(rng: random.Random, data: bytearray) -> None:
    start, at = rng.randrange(max(1, len(data))), rng.randrange(max(1, len(data)))
    data[at:at] = data[start : start + rng.choice((8, 64, 512))]


def _swap(rng: random.Random, data: bytearray) -> None:
    size = rng.choice((4, 8, 64))
    a, b = rng.randrange(max(1, len(data) - size)), rng.randrange(max(1, len(data) - size))
    data[a : a + size], data[b : b + size] = data[b : b + size], data[a : a + size]


_CHANGES: tuple[Change, ...] = (
    _flip_bit,
    _flip_bit,
    _set_byte,
    _set_word,
    _set_word,
    _cut,
    _insert,
    _clear,
    _repeat,
    _swap,
)

"""What was learned of a workspace, kept between sessions.

Knows: one file of one folder. Must not know: shelves, documents, which files are looked for.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from slm_lsp.model.durable import replacing
from slm_lsp.model.memory.document import BREAK, Ids

Stamp = tuple[int, int]
"""Modification time in nanoseconds and size in bytes: a file with the same stamp is taken to be the same."""

NAME = "memory.npz"
"""The file that is written."""
_FORMAT = 2


@dataclass(frozen=True)
class Learned:
    """A file of the workspace, as it was read."""

    stamp: Stamp
    """Of the version that was read."""
    ids: Ids
    """Its tokens and a BREAK."""


def write(folder: Path, vocabulary: str, learned: Mapping[str, Learned]) -> None:
    """Replace what the folder keeps, atomically. `vocabulary` is the tokenizer's sha256. Raises Unwritable."""
    with replacing(folder / NAME) as draft, draft.open("wb") as file:
        np.savez(
            file,
            format=np.array([_FORMAT]),
            vocabulary=_text(vocabulary),
            paths=_text("\0".join(learned)),
            stamps=np.array([one.stamp for one in learned.values()], np.int64).reshape(-1, 2),
            lengths=np.array([len(one.ids) for one in learned.values()], np.int64),
            ids=np.concatenate([np.zeros(0, np.uint16), *(one.ids for one in learned.values())]),
        )


def read(folder: Path, vocabulary: str) -> dict[str, Learned]:
    """Path -> what was learned; {} where there is nothing, or it is damaged or of another vocabulary or format."""
    try:
        with (folder / NAME).open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            if arrays["format"].tolist() != [_FORMAT] or arrays["vocabulary"].tobytes().decode() != vocabulary:
                return {}
            paths = arrays["paths"].tobytes().decode("utf-8", "surrogatepass").split("\0")
            stamps, lengths, ids = arrays["stamps"], arrays["lengths"], arrays["ids"]
        ends = np.cumsum(lengths)
        if not len(ends) or ids.dtype != np.uint16 or int(ends[-1]) != len(ids) or (ids[ends - 1] != BREAK).any():
            return {}
        parts = np.split(ids, ends[:-1])
        return {
            path: Learned((int(stamp[0]), int(stamp[1])), part)
            for path, stamp, part in zip(paths, stamps, parts, strict=True)
        }
    except (OSError, EOFError, ValueError, LookupError, TypeError, ArithmeticError, MemoryError):
        return {}
    except (zipfile.BadZipFile, RuntimeError):  # a flipped bit may call for a decryption that nobody implements
        return {}


def _text(text: str) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    return np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8)

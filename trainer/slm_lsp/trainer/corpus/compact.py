"""A pack squeezed into one file, to carry it to another machine, and opened again there.

Knows: xz, the arrays of a pack. Must not know: where the file is carried.

The file is xz: one line of JSON (meta.json), then the arrays one after another in the order of ARRAYS.
"general" comes last because it is cut off where the file would become too large.
"""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from slm_lsp.model.durable import replacing
from slm_lsp.model.errors import CorpusError
from slm_lsp.trainer.corpus.pack import VALIDATION, Pack, Tokens, read_pack

ARRAYS = (*(f"tune-{name}" for name in VALIDATION), "chroma", "general")
"""Order of the arrays in the file."""

_CHUNK = 1 << 19
# The ids take 8% less than the text they stand for would (0.548 bytes a token against 0.588). Symbols are two
# bytes, so positions and literals are aligned to 2; the dictionary spans the whole pack.
_PRESET = 9 | lzma.PRESET_EXTREME
_FILTERS: list[dict[str, Any]] = [
    {"id": lzma.FILTER_LZMA2, "preset": _PRESET, "dict_size": 1 << 27, "lc": 3, "lp": 1, "pb": 1}
]
_SLACK = 200_000  # what xz may still hold back when a chunk has gone in


@dataclass(frozen=True)
class Squeezed:
    """What a compact file holds."""

    size: int
    """Its bytes."""
    general_tokens: int
    """How many tokens of the general group are in it."""
    general_total: int
    """How many the pack has."""

    def __str__(self) -> str:
        return f"{self.size:,} bytes, {self.general_tokens:,} of {self.general_total:,} general tokens"


def compact_pack(pack: Pack, out: Path, *, max_bytes: int) -> Squeezed:
    """Write all validation and ChromaDB tokens, and as many general ones as fit into `max_bytes`.

    Raises CorpusError when not even the first two fit, Unwritable.
    """
    with replacing(out) as draft:
        with draft.open("wb") as file:
            taken = _squeeze(pack, file, max_bytes)
        size = draft.stat().st_size
        if size > max_bytes:
            raise CorpusError(f"the pack takes {size:,} bytes, more than {max_bytes:,}")
    return Squeezed(size, taken, len(pack.groups["general"]))


def _squeeze(pack: Pack, file: BinaryIO, max_bytes: int) -> int:
    """Write the compressed arrays; returns how many general tokens went in."""
    press = lzma.LZMACompressor(format=lzma.FORMAT_XZ, filters=_FILTERS)
    file.write(press.compress(json.dumps(dict(pack.meta)).encode() + b"\n"))
    for name in ARRAYS[:-1]:
        array = pack.groups[name] if name in pack.groups else pack.validation[name.removeprefix("tune-")]
        for chunk in _chunks(array):
            file.write(press.compress(chunk.tobytes()))
    taken = 0
    for chunk in _chunks(pack.groups["general"]):
        if file.tell() + _SLACK + chunk.nbytes // 2 > max_bytes:
            break
        file.write(press.compress(chunk.tobytes()))
        taken += len(chunk)
    file.write(press.flush())
    return taken


def _chunks(array: Tokens) -> Iterator[Tokens]:
    for start in range(0, len(array), _CHUNK):
        yield array[start : start + _CHUNK]


def expand(file: Path, folder: Path) -> Pack:
    """Write the pack that a compact file holds into the folder; raises CorpusError when it is damaged."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with lzma.open(file, "rb") as stream:
            meta = json.loads(stream.readline())
            for name in ARRAYS[:-1]:
                size = 2 * int(meta["arrays"][name]["tokens"])
                (folder / f"{name}.bin").write_bytes(_exactly(stream.read(size), size))
            rest = stream.read()
    except (OSError, EOFError, lzma.LZMAError, ValueError, KeyError, TypeError) as error:
        raise CorpusError(f"{file} is not a compact pack: {error}") from error
    (folder / "general.bin").write_bytes(rest)
    meta["arrays"]["general"] |= {"tokens": len(rest) // 2, "cut": True}
    (folder / "meta.json").write_text(json.dumps(meta, indent=1) + "\n", encoding="utf-8")
    return read_pack(folder)


def _exactly(content: bytes, size: int) -> bytes:
    if len(content) != size:
        raise EOFError(f"it ends {size - len(content)} bytes too early")
    return content

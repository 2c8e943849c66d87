"""The corpus as flat files of token ids, and how pretraining reads them back.

Knows: the groups, the files of a pack, which split may go where. Must not know: how batches are drawn.

A pack is a folder: NAME.bin (uint16 ids, little-endian, documents one after another) for the training groups
"chroma" and "general" and for the validation arrays "tune-chroma", "tune-general", "tune-fim"; meta.json says
how many tokens and bytes of text each has, and what they were made from.
"""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slm_lsp.model.errors import CorpusError
from slm_lsp.model.runtime.tokenizer import Tokenizer
from slm_lsp.trainer.corpus.fim import DocumentWriter, FimRecipe
from slm_lsp.trainer.corpus.select import SourceFile, require_split

FORMAT = 1
"""Version of the pack's layout."""
META = "meta.json"
"""Name of the file that describes the arrays."""
GROUPS = ("chroma", "general")
"""The training groups: files that use ChromaDB with all of the small projects built around it, and all others."""
VALIDATION = ("chroma", "general", "fim")
"""The validation arrays: the tune split's groups as plain text, and a sample of both with holes only."""
FIM_VALIDATION_FILES = 60
"""Files of the tune split in the fill-in-the-middle validation array."""

Tokens = NDArray[np.uint16]


@dataclass(frozen=True)
class Pack:
    """A packed corpus, memory-mapped."""

    folder: Path
    """Where it lies."""
    groups: Mapping[str, Tokens]
    """Training group -> its ids; see GROUPS."""
    validation: Mapping[str, Tokens]
    """Validation array -> its ids; see VALIDATION."""
    validation_bytes: Mapping[str, int]
    """Validation array -> UTF-8 bytes of the text in it, paths included: bits / bytes is bits per byte."""
    tokenizer_sha256: str
    """Of the vocabulary the ids belong to (Tokenizer.sha256)."""
    meta: Mapping[str, Any]
    """All of meta.json."""


def write_pack(
    files: Sequence[SourceFile],
    tune: Sequence[SourceFile],
    tokenizer: Tokenizer,
    folder: Path,
    *,
    recipe: FimRecipe | None = None,
    about: Mapping[str, Any] | None = None,
    on_file: Callable[[], None] = lambda: None,
) -> Pack:
    """Pack training files and the validation files; replaces the folder when all is written.

    `about` goes into meta.json as it is; `on_file` is called after each file. Raises CorpusError when a
    training file is not of the split `train` or a validation file not of `tune`, and when the folder holds
    something that is not a pack.
    """
    require_split(files, "train")
    require_split(tune, "tune")
    if tokenizer.vocab_size > np.iinfo(np.uint16).max + 1:
        raise CorpusError(f"a pack holds 16-bit ids; this vocabulary has {tokenizer.vocab_size} tokens")
    if folder.exists() and any(folder.iterdir()) and not (folder / META).is_file():
        raise CorpusError(f"{folder} holds something else than a pack; it is not replaced")
    recipe = recipe or FimRecipe()
    temporary = folder.with_name(f".{folder.name}-new")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        arrays = {
            name: _write_array(temporary / f"{name}.bin", chosen, tokenizer, used, on_file)
            for name, chosen, used in _contents(files, tune, recipe)
        }
        meta = {
            "format": FORMAT,
            "tokenizer_sha256": tokenizer.sha256,
            "vocab_size": tokenizer.vocab_size,
            "recipe": asdict(recipe),
            "arrays": arrays,
            **(about or {}),
        }
        (temporary / META).write_text(json.dumps(meta, indent=1) + "\n", encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return read_pack(folder)


def _contents(
    files: Sequence[SourceFile], tune: Sequence[SourceFile], recipe: FimRecipe
) -> Iterator[tuple[str, list[SourceFile], FimRecipe]]:
    """Each array's name, its files in the order of the seed, and what becomes of them."""
    files = random.Random(recipe.seed).sample(files, len(files))
    tune = random.Random(recipe.seed).sample(tune, len(tune))
    for name in GROUPS:
        chroma = name == "chroma"
        yield name, [file for file in files if (file.chroma or file.project) == chroma], recipe
        yield f"tune-{name}", [file for file in tune if file.chroma == chroma], replace(recipe, share=0.0)
    chroma_first = sorted(tune, key=lambda file: not file.chroma)
    yield "tune-fim", chroma_first[:FIM_VALIDATION_FILES], replace(recipe, share=1.0)


def _write_array(
    path: Path,
    files: Sequence[SourceFile],
    tokenizer: Tokenizer,
    recipe: FimRecipe,
    on_file: Callable[[], None],
) -> dict[str, int]:
    """Write one array; returns its files, tokens and bytes of text, every path that is written included."""
    writer = DocumentWriter(tokenizer, recipe)
    bytes_of = np.array([len(tokenizer.bytes_of(number)) for number in range(tokenizer.vocab_size)])
    tokens = size = 0
    with path.open("wb") as out:
        for ids in writer.encode([(file.path, file.text) for file in files], on_file):
            array = np.array(ids, dtype="<u2")
            array.tofile(out)
            tokens += len(array)
            size += int(bytes_of[array].sum())
    return {"files": len(files), "tokens": tokens, "bytes": size}


def read_pack(folder: Path) -> Pack:
    """Open a pack; raises CorpusError when it is missing, of another format, or not as long as it says."""
    try:
        meta = json.loads((folder / META).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CorpusError(f"{folder} holds no packed corpus: {error}") from error
    if not isinstance(meta, dict) or meta.get("format") != FORMAT:
        raise CorpusError(f"{folder} was packed in another format; pack the corpus again")
    arrays = meta["arrays"]
    return Pack(
        folder=folder,
        groups={name: _memmap(folder, name, arrays) for name in GROUPS},
        validation={name: _memmap(folder, f"tune-{name}", arrays) for name in VALIDATION},
        validation_bytes={name: int(arrays[f"tune-{name}"]["bytes"]) for name in VALIDATION},
        tokenizer_sha256=str(meta["tokenizer_sha256"]),
        meta=meta,
    )


def _memmap(folder: Path, name: str, arrays: Mapping[str, Mapping[str, int]]) -> Tokens:
    path, tokens = folder / f"{name}.bin", arrays[name]["tokens"]
    if not path.is_file() or path.stat().st_size != 2 * tokens:
        raise CorpusError(f"{path} is not the {2 * tokens} bytes that meta.json says; pack the corpus again")
    if not tokens:
        return np.empty(0, dtype=np.uint16)  # an empty file cannot be mapped
    return np.memmap(path, dtype="<u2", mode="r")

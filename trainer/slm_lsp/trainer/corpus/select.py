"""Which files of the packages make the corpus: filters, duplicates, no text shared between splits.

Knows: what a file worth learning from looks like. Must not know: tokens, archives' formats.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from slm_lsp.model.errors import CorpusError
from slm_lsp.trainer.corpus.archive import python_files, stdlib_available
from slm_lsp.trainer.corpus.manifest import Package, Split
from slm_lsp.trainer.corpus.windows import contaminated, line_windows, near_duplicates

MIN_BYTES, MAX_BYTES = 200, 200_000
"""Smallest and largest file that is kept."""
MAX_LINE = 1_000
"""Characters in the longest line of a file that is kept."""
MAX_NON_ASCII, MAX_DIGITS = 0.10, 0.25
"""Largest shares of such characters in a file that is kept."""
GENERATED_HEAD = 800
"""Characters at the start of a file in which it may call itself generated."""

_VENDORED = re.compile(
    r"(^|/)(_?vendor(ed)?|_vendored|third_party|thirdparty|site-packages|node_modules)/", re.IGNORECASE
)
_GENERATED = re.compile(r"auto-?\s?generated|do not edit|@generated", re.IGNORECASE)
_USES_CHROMA = re.compile(
    r"^[ \t]*(?:from|import)[ \t]+(?:chromadb|langchain_chroma|llama_index\.vector_stores\.chroma"
    r"|haystack_integrations\.document_stores\.chroma)\b",
    re.MULTILINE,
)


@dataclass(frozen=True)
class SourceFile:
    """One Python file of the corpus."""

    package: str
    """Name of the package it came from."""
    split: Split
    """What it may be used for."""
    path: str
    """Inside the package, with /, e.g. chromadb/api/client.py."""
    text: str
    """Its text, with \\n line endings."""
    chroma: bool
    """Whether it imports chromadb or a wrapper of it."""
    project: bool = False
    """Whether its package is a small project built around ChromaDB."""


@dataclass
class Selection:
    """The corpus's files and what was left out."""

    files: list[SourceFile]
    """In the manifest's order, then the archive's."""
    dropped: Counter[str] = field(default_factory=Counter)
    """Reason -> files left out."""
    notes: list[str] = field(default_factory=list)
    """What a maintainer should know, one sentence each."""

    def of(self, split: Split, chroma: bool | None = None) -> list[SourceFile]:
        """The files of a split; only those that use ChromaDB, or only the others, where `chroma` is given."""
        return [f for f in self.files if f.split == split and chroma in (None, f.chroma)]


def require_split(files: Iterable[SourceFile], *allowed: Split) -> None:
    """Raise CorpusError naming the packages whose files belong to another split."""
    wrong = sorted({f"{f.package} ({f.split})" for f in files if f.split not in allowed})
    if wrong:
        raise CorpusError(f"only files of the split {' or '.join(allowed)} may be used here, not: {', '.join(wrong)}")


def select(
    packages: Sequence[Package], archives: Path, on_package: Callable[[str], None] = lambda _: None
) -> Selection:
    """Read, filter and deduplicate the packages' files; `on_package` hears each name before it is read.

    Raises CorpusError naming the package whose archive is missing, damaged or hostile.
    """
    selection = Selection([])
    seen: set[str] = set()
    # The other splits come first: of two equal files the one that must not be trained on is kept.
    for package in sorted(packages, key=lambda package: package.split == "train"):
        on_package(package.name)
        if package.kind == "stdlib" and not stdlib_available():
            selection.notes.append(f"{package.label} is left out: this is another Python")
            continue
        for path, content in python_files(package, archives):
            file, reason = _read(package, path, content)
            if file is not None and file.text in seen:
                file, reason = None, "exact duplicate"
            if file is None:
                selection.dropped[reason] += 1
            else:
                seen.add(file.text)
                selection.files.append(file)
    on_package("duplicates")
    _drop_copies(selection)
    return selection


def _read(package: Package, path: str, content: bytes) -> tuple[SourceFile | None, str]:
    """The file, or None and the reason why it is left out."""
    if not MIN_BYTES <= len(content) <= MAX_BYTES:
        return None, "size"
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError:
        return None, "not UTF-8"
    reason = fault_of(path, text)
    if reason:
        return None, reason
    uses = bool(_USES_CHROMA.search(text))
    return SourceFile(package.name, package.split, path, text, uses, package.project), ""


def fault_of(path: str, text: str) -> str | None:
    """Why a file is not worth learning from; None when it is."""
    if _VENDORED.search(path):
        return "vendored copy"
    if "_pb2" in path.rpartition("/")[2] or _GENERATED.search(text[:GENERATED_HEAD]):
        return "generated"
    if max(map(len, text.split("\n"))) > MAX_LINE:
        return "long lines"
    if len(text) - len(text.encode("ascii", "ignore")) > MAX_NON_ASCII * len(text):
        return "not ASCII"
    if sum(text.count(digit) for digit in "0123456789") > MAX_DIGITS * len(text):
        return "digits"
    return None


def _drop_copies(selection: Selection) -> None:
    """Drop near duplicates, then training files that share too much with a file of another split."""
    windows = [line_windows(file.text) for file in selection.files]
    dropped = set(near_duplicates(windows))
    selection.dropped["near duplicate"] += len(dropped)
    kept = [index for index in range(len(windows)) if index not in dropped]
    train = [index for index in kept if selection.files[index].split == "train"]
    others = [index for index in kept if selection.files[index].split != "train"]
    leaks = contaminated([windows[i] for i in train], [windows[i] for i in others])
    for leak, holder in leaks.items():
        file, other = selection.files[train[leak]], selection.files[others[holder]]
        selection.notes.append(f"{file.package} {file.path} shares lines with {other.package} {other.path}")
    selection.dropped["shared with another split"] += len(leaks)
    dropped |= {train[leak] for leak in leaks}
    selection.files = [file for index, file in enumerate(selection.files) if index not in dropped]

"""What a workspace does with ChromaDB: names of collections, keys of metadata, told by the texts of its files.

Knows: the few words behind which they stand. Must not know: files, LSP, chromadb's signatures.

Each text is read on its own and tolerantly: what is broken hides nothing but itself.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from slm_lsp.server.chroma.facts import Used
from slm_lsp.server.chroma.names import Names
from slm_lsp.server.chroma.scan import Frame, Scanner

_FURTHEST = 6_000
"""Characters of one expression that are read."""
_ANCHOR = re.compile(
    r"\b(?P<call>(?:get|create|get_or_create|delete)_collection)\("
    r"|\b(?P<data>metadatas?|metas?|where|K)[ \t]*(?::[^=\n(]*)?(?:=(?!=)|\.append(?=\()|(?=\())[ \t]*"
)
_CONSTANT = re.compile(r"^[ \t]*(\w+)[ \t]*(?::[^=\n]*)?=[ \t]*[\"']([^\"'\\\n]*)[\"'][ \t]*(?:#[^\n]*)?$", re.M)
_PASSED = re.compile(r"\s*(?:name\s*=\s*)?(?:([\"'])([^\"'\\\n]*)\1|(?:\w+\.)*(\w+))\s*[,)]")
_NAMED = re.compile(r"[^()]{0,300}?\bname\s*=\s*([\"'])([^\"'\\\n]*)\1")
_COLON = re.compile(r"\s*:")
_CALLED = re.compile(r"([\w.]+)\([^()]*\Z")
_COLLECTION = re.compile(r"(?!.*\.\.)(?!\d+\.\d+\.\d+\.\d+\Z)[a-zA-Z0-9][a-zA-Z0-9._-]{1,61}[a-zA-Z0-9]\Z")
"""Names that every version takes."""
_KEY = re.compile(r"(?!chroma:)(?!hnsw:)[^$#\s][^\n]{0,99}\Z")
_ABOUT_COLLECTIONS = ("_collection", ".modify")
_BORDER = re.compile(r"\n(?=[A-Za-z_@]|[ \t]+(?:@|(?:async[ \t]+)?def[ \t]))")
"""Before lines that can only begin a statement: no expression goes on behind them."""


class _Piece(NamedTuple):
    """What a part of a file does with ChromaDB."""

    collections: tuple[str, ...]
    """Names that are passed as literals."""
    constants_used: tuple[str, ...]
    """Names of the constants that are passed in their place."""
    keys: tuple[str, ...]
    collection_keys: tuple[str, ...]
    constants: tuple[tuple[str, str], ...]
    """Names that are bound to strings, and these."""


def used_in(text: str, *, exports: bool = True) -> Used:
    """What one file does with ChromaDB; nothing if it does not speak of it.

    Without `exports`, which only other files ask for, it costs little for a text that has changed in one place.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
    if "chroma" not in text.lower() and "n_results" not in text and "_collection(" not in text:
        return Used()
    pieces = [_read(piece) for piece in _BORDER.split(text)]
    constants = {name: value for piece in pieces for name, value in piece.constants}
    collections, keys, collection_keys = Counter[str](), Counter[str](), Counter[str]()
    for piece in pieces:
        named = (constants.get(name, "") for name in piece.constants_used)
        collections.update(filter(_COLLECTION.match, (*piece.collections, *named)))
        keys.update(piece.keys)
        collection_keys.update(piece.collection_keys)
    return Used(collections, keys, collection_keys, Names(text).exported() if exports else {})


@lru_cache(maxsize=4_000)
def _read(text: str) -> _Piece:
    """What a part of a file says; the same parts are asked for with every key that is typed."""
    literals: list[str] = []
    names: list[str] = []
    keys: list[str] = []
    collection_keys: list[str] = []
    for anchor in _ANCHOR.finditer(text):
        if anchor["call"]:
            for name, literal in _names_of_collections(text, anchor):
                (literals if name is None else names).append(literal if name is None else name)
        else:
            is_collections = anchor["data"] == "metadata" and _is_about_collection(text, anchor.start())
            into = collection_keys if is_collections else keys
            into += filter(_KEY.match, _keys(text, anchor))
    return _Piece(tuple(literals), tuple(names), tuple(keys), tuple(collection_keys), tuple(_CONSTANT.findall(text)))


def _names_of_collections(text: str, anchor: re.Match[str]) -> Iterator[tuple[str | None, str]]:
    """The name that is passed: a literal, or a constant's name."""
    if found := _PASSED.match(text, anchor.end()):
        yield (found[3], found[2] or "") if found[3] else (None, found[2])
    elif named := _NAMED.match(text, anchor.end()):
        yield None, named[2]


def _is_about_collection(text: str, at: int) -> bool:
    """Whether `metadata=` is an argument of a method that makes or changes a collection."""
    called = _CALLED.search(text, max(at - 400, 0), at)
    return called is not None and called[1].endswith(_ABOUT_COLLECTIONS)


def _keys(text: str, anchor: re.Match[str]) -> Iterator[str]:
    """The keys of the dicts that follow, those of a metadata's or filter's own level."""
    scanner = Scanner("K" if anchor["data"] == "K" else "")
    at, end = anchor.end(), min(anchor.end() + _FURTHEST, len(text))
    if text[at : at + 1] not in ("{", "[", "("):
        return
    # Token by token: the expression ends where its first bracket closes.
    for place, content in scanner.read(text, at, end, until_closed=True):
        following = _COLON.match(text, place + len(content) + 2)
        frames = scanner.frames
        if anchor["data"] == "K":
            if len(frames) == 1:
                yield content
        elif following and frames[-1].bracket == "{" and scanner.is_fresh and is_own_level(frames):
            yield content


def is_own_level(frames: list[Frame] | tuple[Frame, ...]) -> bool:
    """Whether the innermost dict's keys are keys of metadata, not operators or values of one."""
    dicts = [frame for frame in frames if frame.bracket == "{"]
    return all(frame.name in (None, "$and", "$or") for frame in dicts[:-1]) and dicts[-1].name is None


class Workspace:
    """What the files of a workspace do with ChromaDB, file by file."""

    def __init__(self) -> None:
        self._files: dict[str, Used] = {}
        self._sum: Used | None = None

    def update(self, name: str, text: str) -> None:
        """Take a file's text in place of what was known of it."""
        self.know(name, used_in(text))

    def know(self, name: str, found: Used) -> None:
        """Take what was found in a file in place of what was known of it."""
        if found != self._files.get(name):
            self._files[name], self._sum = found, None

    def forget(self, name: str) -> None:
        """Forget a file; one that is not known is no error."""
        if self._files.pop(name, None):
            self._sum = None

    def used(self) -> Used:
        """What all files do together. The same object as long as nothing changes."""
        if self._sum is None:
            parts = list(self._files.values())
            self._sum = Used(
                _total(part.collections for part in parts),
                _total(part.keys for part in parts),
                _total(part.collection_keys for part in parts),
                _agreed(part.exports for part in parts),
            )
        return self._sum


def _total(counts: Iterator[Mapping[str, int]]) -> dict[str, int]:
    total = Counter[str]()
    for count in counts:
        total.update(count)
    return dict(total)


def _agreed(exports: Iterator[Mapping[str, str]]) -> dict[str, str]:
    """The names that are the same thing wherever they are something."""
    found: dict[str, str] = {}
    doubtful: set[str] = set()
    for part in exports:
        for name, kind in part.items():
            if found.setdefault(name, kind) != kind:
                doubtful.add(name)
    return {name: kind for name, kind in found.items() if name not in doubtful}

"""What a workspace does with ChromaDB: names of collections, keys of metadata, told by the texts of its files.

Knows: the few words behind which they stand. Must not know: files, LSP, chromadb's signatures.

Each text is read on its own and tolerantly: what is broken hides nothing but itself.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import lru_cache

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


def used_in(text: str) -> Used:
    """What one file does with ChromaDB; nothing if it does not speak of it."""
    text = text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
    if "chroma" not in text.lower() and "n_results" not in text and "_collection(" not in text:
        return Used()
    collections, keys, collection_keys = Counter[str](), Counter[str](), Counter[str]()
    constants: dict[str, str] | None = None
    for anchor in _anchors(text):
        if anchor["call"]:
            for name, literal in _names_of_collections(text, anchor):
                if name is not None:
                    constants = dict(_CONSTANT.findall(text)) if constants is None else constants
                    literal = constants.get(name, "")
                if _COLLECTION.match(literal):
                    collections[literal] += 1
        else:
            is_collections = anchor["data"] == "metadata" and _is_about_collection(text, anchor.start())
            into = collection_keys if is_collections else keys
            into.update(key for key in _keys(text, anchor) if _KEY.match(key))
    return Used(collections, keys, collection_keys, Names(text).exported())


@lru_cache(maxsize=50_000)
def _has_anchor(line: str) -> bool:
    """Whether a line may hold what names or keys stand behind; the same lines are asked for again and again."""
    return _ANCHOR.search(line) is not None


def _anchors(text: str) -> Iterator[re.Match[str]]:
    at = 0
    for line in text.split("\n"):
        if _has_anchor(line):
            yield from _ANCHOR.finditer(text, at, at + len(line))
        at += len(line) + 1


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
        found = used_in(text)
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

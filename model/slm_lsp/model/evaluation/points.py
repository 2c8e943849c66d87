"""Points: cursors in real files, at which a completer is asked to write on.

Knows: Python's tokens, which lines are code, what a line that uses ChromaDB looks like. Must not know: models,
suggestions, where files come from.
"""

from __future__ import annotations

import io
import keyword
import random
import re
import tokenize
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

KINDS: Mapping[str, float] = MappingProxyType(
    {"line_start": 0.30, "mid_line": 0.23, "after_dot": 0.20, "call_args": 0.17, "mid_word": 0.10}
)
"""Where the cursor stands, and the share of the points that stand so.

line_start  after the indentation of a code line        mid_line  at the start of a token, not the line's first
after_dot   just after the dot of an attribute access   call_args  just after `(` or `, ` directly inside a call
mid_word    1 to 3 characters into an identifier
"""

POPUP_KINDS = ("after_dot", "mid_word")
"""Where an editor's popup opens by itself, and one identifier is wanted."""
SHORTEST = 3
"""Characters of code that must be left on the line."""
CHROMA_SHARE = 0.5
"""Share of the points that stand in lines which use ChromaDB, where there are enough."""

_IMPORT = re.compile(
    r"^[ \t]*(?:from|import)[ \t]+(?:chromadb|langchain_chroma|llama_index\.vector_stores\.chroma"
    r"|haystack_integrations\.document_stores\.chroma)\b",
    re.MULTILINE,
)
_API = re.compile(
    r"chromadb"
    r"|\b(?:Persistent|Ephemeral|Http|AsyncHttp|Cloud|Admin)Client\b"
    r"|\w*EmbeddingFunction\b"
    r"|\.(?:get_or_create|create|get|delete|list|count)_collections?\("
    r"|\.(?:heartbeat|upsert|peek|query|modify)\("
    r"|\b\w*(?:collection|client|chroma)\w*\.(?:add|get|update|delete|count|reset|name|metadata)\b"
    r"|\b(?:query_texts|query_embeddings|n_results|where_document|embedding_function|metadatas|embeddings)\b",
    re.IGNORECASE,
)
_COMMENT = re.compile(r"""("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|\s*\#.*""")
_NO_CODE = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)


@dataclass(frozen=True)
class Point:
    """A cursor in a file: `prefix + target + suffix` is the file's text."""

    path: str
    """The file, as the completer is told it."""
    kind: str
    """One of KINDS."""
    prefix: str
    """The text before the cursor."""
    target: str
    """The rest of the line as it was really written; the completer does not see it."""
    suffix: str
    """What follows the line, its line ending included."""
    chroma: bool
    """Whether the line uses ChromaDB in a file that imports it."""


def imports_chromadb(text: str) -> bool:
    """Whether a file imports chromadb or a wrapper of it."""
    return bool(_IMPORT.search(text))


def code_of(line: str) -> str:
    """A line, or its rest from the start of a token, without trailing comment and space."""
    return _COMMENT.sub(lambda match: match[1] or "", line).rstrip()


def choose(files: Iterable[tuple[str, str]], count: int, seed: int = 0) -> list[Point]:
    """About `count` points of the (path, text) files, in the shares of KINDS, the same ones for the same seed.

    Fewer where the files have fewer; sorted by place, so that a completer's cache serves neighbours.
    """
    draw = random.Random(seed)
    pools: dict[tuple[str, bool], list[Point]] = defaultdict(list)
    for path, text in files:
        for point in points_of(path, text, seed):
            pools[point.kind, point.chroma].append(point)
    for pool in pools.values():
        draw.shuffle(pool)
    chosen: list[Point] = []
    for kind, share in KINDS.items():
        wanted = round(count * share)
        chroma, other = pools[kind, True], pools[kind, False]
        first = min(len(chroma), max(round(wanted * CHROMA_SHARE), wanted - len(other)))
        chosen += chroma[:first] + other[: wanted - first]
        pools[kind, True], pools[kind, False] = chroma[first:], other[wanted - first :]
    left = [point for pool in pools.values() for point in pool]
    chosen += draw.sample(left, min(len(left), max(count - len(chosen), 0)))
    return sorted(chosen[:count], key=lambda point: (point.path, len(point.prefix), point.kind))


def points_of(path: str, text: str, seed: int = 0) -> list[Point]:
    """Every point of a file, at most one of each kind a line; [] for a file that is not Python."""
    try:
        tokens = list(_code_tokens(text))
    except (tokenize.TokenError, SyntaxError):
        return []
    draw = random.Random(f"{seed} {path}")
    chroma = imports_chromadb(text)
    lines = text.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    found = []
    for row, columns in sorted(_cursors(tokens, lines).items()):
        line = lines[row - 1].removesuffix("\r")
        for kind in KINDS:
            column = draw.choice(columns[kind]) if columns[kind] else None
            if column is None or len(code_of(line[column:])) < SHORTEST:
                continue
            cursor, end = starts[row - 1] + column, starts[row - 1] + len(line)
            uses = chroma and bool(_API.search(line))
            found.append(Point(path, kind, text[:cursor], text[cursor:end], text[end:], uses))
    return found


@dataclass(frozen=True)
class _Token:
    """A token of code, with what the choice of cursors asks of it."""

    text: str
    name: bool
    """Whether it is an identifier (no keyword)."""
    row: int
    """Line, from 1."""
    column: int
    end: tuple[int, int]
    imports: bool
    """Whether it belongs to an import statement."""


def _code_tokens(text: str) -> Iterator[_Token]:
    """The tokens of code: no comments, no statements that are only a string, f-strings in one piece."""
    statement: list[tokenize.TokenInfo] = []
    for token in _whole_strings(tokenize.generate_tokens(io.StringIO(text, newline="").readline)):
        if token.type not in _NO_CODE:
            statement.append(token)
        elif token.type == tokenize.NEWLINE:
            yield from _statement(statement)
            statement = []
    yield from _statement(statement)


def _statement(tokens: Sequence[tokenize.TokenInfo]) -> Iterator[_Token]:
    if all(token.type == tokenize.STRING for token in tokens):
        return  # a docstring, or nothing
    imports = tokens[0].string in ("from", "import")
    for token in tokens:
        name = token.type == tokenize.NAME and not keyword.iskeyword(token.string)
        yield _Token(token.string, name, *token.start, token.end, imports)


def _whole_strings(tokens: Iterable[tokenize.TokenInfo]) -> Iterator[tokenize.TokenInfo]:
    """The tokens with every f-string as one, as before Python 3.12; cursors never stand inside strings."""
    opened: list[tokenize.TokenInfo] = []
    for token in tokens:
        name = tokenize.tok_name[token.type]
        if name.endswith("STRING_START"):
            opened.append(token)
        elif name.endswith("STRING_END"):
            first = opened.pop()
            if not opened:
                yield tokenize.TokenInfo(tokenize.OP, first.string, first.start, token.end, first.line)
        elif not opened:
            yield token


def _cursors(tokens: Sequence[_Token], lines: Sequence[str]) -> dict[int, dict[str, list[int]]]:
    """Row -> kind -> the columns where a cursor of that kind can stand."""
    found: dict[int, dict[str, list[int]]] = defaultdict(lambda: {kind: [] for kind in KINDS})
    calls: list[bool] = []  # of every open bracket: whether it is a call's
    for index, token in enumerate(tokens):
        before, following = tokens[max(index - 1, 0)], tokens[min(index + 1, len(tokens) - 1)]
        columns = found[token.row]
        starts_line = not lines[token.row - 1][: token.column].strip()
        columns["line_start" if starts_line else "mid_line"].append(token.column)
        if token.name and len(token.text) > 1:
            columns["mid_word"] += range(token.column + 1, token.column + min(len(token.text), 4))
        if token.text in ("(", "[", "{"):
            callee = token.text == "(" and (before.name or before.text in (")", "]"))
            calls.append(callee and index > 0 and tokens[max(index - 2, 0)].text not in ("def", "class"))
        elif token.text in (")", "]", "}") and calls:
            calls.pop()
        if following.row != token.row or following is token:
            continue
        gap = following.column - token.end[1]
        if token.text == "." and following.name and not token.imports and not gap:
            columns["after_dot"].append(following.column)
        inside_call = bool(calls) and calls[-1]
        if inside_call and ((token.text == "(" and not gap) or (token.text == "," and gap == 1)):
            columns["call_args"].append(following.column)
    return found

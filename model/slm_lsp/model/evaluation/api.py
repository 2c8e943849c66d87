"""The API benchmark: every method, keyword and literal argument of a program's ChromaDB calls, asked for one by one.

Knows: Python's syntax tree, what a ChromaDB call looks like. Must not know: models, where programs come from.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from slm_lsp.model.evaluation.judging import LABELS, Completes, Judgement, rank_of
from slm_lsp.model.evaluation.metrics import edit_similarity
from slm_lsp.model.evaluation.points import Point, imports_chromadb

API_KINDS = ("method", "keyword", "literal")
"""method   the cursor stands after the dot of a ChromaDB call    keyword   where a keyword argument begins
literal  where a literal argument begins"""

_CLIENTS = re.compile(r"^(Persistent|Ephemeral|Http|AsyncHttp|Cloud|Admin)Client$|^Client$")
_UNMISTAKABLE = re.compile(
    r"^(get_or_create|create|get|delete|list|count)_collections?$|^(upsert|peek|heartbeat|set_tenant|set_database)$"
    r"|^(create|get|delete|list)_(tenant|database)s?$|^(get_version|get_max_batch_size|get_user_identity)$"
)
_ON_KNOWN_VALUES = frozenset(["add", "get", "query", "update", "delete", "count", "modify", "reset"])
_KEYWORDS = frozenset(
    [
        "documents",
        "metadatas",
        "embeddings",
        "query_texts",
        "query_embeddings",
        "n_results",
        "where_document",
        "include",
    ]
)
_ANNOTATION = re.compile(r"\b(Async)?(Collection|ClientAPI|AdminAPI|AdminClient|Client)\b")


def api_points(path: str, text: str) -> list[Point]:
    """The cursors of a program, in order; [] where it does not parse or does not import chromadb.

    A point's target is the name, the keyword with its `=`, or the literal; its suffix the text after that.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return []
    if not imports_chromadb(text):
        return []
    starts = [0]
    for line in text.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    raw, found = text.encode(), []
    for kind, start, end in _spots(tree, starts):
        prefix, target, suffix = raw[:start].decode(), raw[start:end].decode(), raw[end:].decode()
        if "\n" not in target:
            found.append(Point(path, kind, prefix, target, suffix, chroma=True))
    return sorted(found, key=lambda point: len(point.prefix))


def judge_api(completer: Completes, points: Sequence[Point]) -> Iterator[Judgement]:
    """Ask at each point in turn, the editor having nothing behind the cursor on its line.

    Exact is a suggestion that begins with the target, and does not go on with the same word.
    """
    for point in points:
        rest_of_file = point.suffix[point.suffix.find("\n") :] if "\n" in point.suffix else ""
        offer = completer.complete(point.prefix, rest_of_file, path=point.path)
        asked = completer.identifiers(point.prefix, rest_of_file, path=point.path, limit=LABELS)
        names = tuple(entry.name for entry in asked)
        text, confidence, shown = (offer.text, offer.confidence, offer.shown) if offer else ("", 0.0, False)
        begins = re.match(re.escape(point.target) + (r"(?!\w)" if point.target[-1:].isalnum() else ""), text)
        rank = rank_of(point.target.removesuffix("="), [name.removesuffix("=") for name in names])
        similarity = edit_similarity(text[: len(point.target)], point.target)
        yield Judgement(point, text, confidence, shown, bool(begins), similarity, names, rank, 0.0)


def _spots(tree: ast.Module, starts: Sequence[int]) -> Iterator[tuple[str, int, int]]:
    """Kind, first and end byte of everything that is asked for."""
    known = _chroma_values(tree)
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call) or not _is_chroma(call, known):
            continue
        if isinstance(call.func, ast.Attribute):
            end = starts[(call.func.end_lineno or 1) - 1] + (call.func.end_col_offset or 0)
            yield "method", end - len(call.func.attr.encode()), end
        for keyword in call.keywords:
            if keyword.arg:
                start = starts[keyword.lineno - 1] + keyword.col_offset
                yield "keyword", start, start + len(keyword.arg.encode()) + 1
        for value in (*call.args, *(keyword.value for keyword in call.keywords if keyword.arg)):
            if _is_literal(value):
                start = starts[value.lineno - 1] + value.col_offset
                yield "literal", start, starts[(value.end_lineno or 1) - 1] + (value.end_col_offset or 0)


def _chroma_values(tree: ast.Module) -> set[str]:
    """Names and attributes that hold a client or a collection: assigned from such a call, or annotated so."""
    known: set[str] = set()
    nodes = list(ast.walk(tree))
    for node in nodes:
        if isinstance(node, ast.arg) and node.annotation and _ANNOTATION.search(ast.unparse(node.annotation)):
            known.add(node.arg)
        elif isinstance(node, ast.AnnAssign) and _ANNOTATION.search(ast.unparse(node.annotation)):
            known.add(_last_name(node.target))
    grown = -1
    while grown != len(known):
        grown = len(known)
        for node in nodes:
            if not isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr):
                continue
            value = node.value.value if isinstance(node.value, ast.Await) else node.value
            if isinstance(value, ast.Call) and _gives_chroma(value, known):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                known |= {_last_name(target) for target in targets}
    return known - {""}


def _gives_chroma(call: ast.Call, known: set[str]) -> bool:
    name = _last_name(call.func)
    return bool(_CLIENTS.match(name)) or (name.endswith("_collection") and _is_chroma(call, known))


def _is_chroma(call: ast.Call, known: set[str]) -> bool:
    name = _last_name(call.func)
    if _CLIENTS.match(name):
        return True
    if not isinstance(call.func, ast.Attribute):
        return False
    if _UNMISTAKABLE.match(name):
        return True
    owner = _last_name(call.func.value)
    keywords = {keyword.arg for keyword in call.keywords}
    return name in _ON_KNOWN_VALUES and (owner in known or bool(keywords & _KEYWORDS))


def _last_name(node: ast.AST) -> str:
    """`collection` of `self.collection`; "" for what has no name."""
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _is_literal(node: ast.AST) -> bool:
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        return all(map(_is_literal, node.elts))
    if isinstance(node, ast.Dict):
        return all(key is not None and _is_literal(key) for key in node.keys) and all(map(_is_literal, node.values))
    if isinstance(node, ast.UnaryOp):
        return _is_literal(node.operand)
    return isinstance(node, ast.Constant)

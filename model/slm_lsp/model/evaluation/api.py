"""The API benchmark: every method, keyword and literal argument of a program's ChromaDB calls, asked for one by one.

Knows: Python's syntax tree. Must not know: what a ChromaDB call looks like (calls.py), models, where programs are.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from time import perf_counter

from slm_lsp.model.evaluation.calls import chroma_nodes
from slm_lsp.model.evaluation.judging import LABELS, Completes, Judgement, rank_of
from slm_lsp.model.evaluation.metrics import edit_similarity
from slm_lsp.model.evaluation.points import Point

API_KINDS = ("method", "keyword", "literal")
"""method   the cursor stands after the dot of a ChromaDB call    keyword   where a keyword argument begins
literal  where a literal argument begins"""


def api_points(path: str, text: str) -> list[Point]:
    """The cursors of a program, in order; [] where it does not parse or does not import chromadb.

    A point's target is the name, the keyword with its `=`, or the literal; its suffix the text after that.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
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
        began = perf_counter()
        offer = completer.complete(point.prefix, rest_of_file, path=point.path)
        took = (perf_counter() - began) * 1000
        asked = completer.identifiers(point.prefix, rest_of_file, path=point.path, limit=LABELS)
        names = tuple(entry.name for entry in asked)
        text, confidence, shown = (offer.text, offer.confidence, offer.shown) if offer else ("", 0.0, False)
        begins = re.match(re.escape(point.target) + (r"(?!\w)" if point.target[-1:].isalnum() else ""), text)
        rank = rank_of(point.target.removesuffix("="), [name.removesuffix("=") for name in names])
        similarity = edit_similarity(text[: len(point.target)], point.target)
        yield Judgement(point, text, confidence, shown, bool(begins), similarity, names, rank, took)


def _spots(tree: ast.Module, starts: Sequence[int]) -> Iterator[tuple[str, int, int]]:
    """Kind, first and end byte of everything that is asked for."""
    for call in dict.fromkeys(call for _, call in chroma_nodes(tree)):
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


def _is_literal(node: ast.AST) -> bool:
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        return all(map(_is_literal, node.elts))
    if isinstance(node, ast.Dict):
        return all(key is not None and _is_literal(key) for key in node.keys) and all(map(_is_literal, node.values))
    if isinstance(node, ast.UnaryOp):
        return _is_literal(node.operand)
    return isinstance(node, ast.Constant)

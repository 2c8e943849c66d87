"""Index the functions of some standard library modules with `ast` and find them by what they do.

    $ python stdlib_function_finder.py "wrap a long paragraph to lines"

What is embedded is not the code but what a reader sees of it: the name split into
words, the first paragraph of the docstring and the names of the parameters.
"""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import chromadb
import numpy as np

MODULES = ["textwrap", "shlex", "bisect", "fnmatch", "colorsys", "statistics", "heapq", "difflib"]
NOISE = set("a an and are as at be by for from given if in into is it its list new not of on or return returns self "
            "string text that the this to value values where which with x".split())


@dataclass(frozen=True)
class Function:
    module: str
    qualname: str
    line: int
    parameters: tuple[str, ...]
    docstring: str
    is_method: bool

    @property
    def id(self) -> str:
        return f"{self.module}.{self.qualname}"

    @property
    def reading(self) -> str:
        first_paragraph = self.docstring.split("\n\n")[0]
        name = re.sub(r"[_.]|(?<=[a-z])(?=[A-Z])", " ", self.qualname)
        return f"{self.module} {name} {name} {' '.join(self.parameters)} {first_paragraph}"


class Collector(ast.NodeVisitor):
    """Walks the classes too, keeping the dotted path; nested functions are nobody's business."""

    def __init__(self, module: str) -> None:
        self.module, self.path, self.found = module, [], []

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.path.append(node.name)
        self.generic_visit(node)
        self.path.pop()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        if node.name.startswith("_"):
            return
        arguments = [a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
        self.found.append(
            Function(
                module=self.module,
                qualname=".".join((*self.path, node.name)),
                line=node.lineno,
                parameters=tuple(a for a in arguments if a not in ("self", "cls")),
                docstring=ast.get_docstring(node) or "",
                is_method=bool(self.path),
            )
        )


def functions_of(module: str) -> Iterator[Function]:
    spec = importlib.util.find_spec(module)  # finds the file without running it
    assert spec is not None and spec.origin is not None
    collector = Collector(module)
    collector.visit(ast.parse(Path(spec.origin).read_text(encoding="utf-8")))
    yield from collector.found


class TermSpace:
    """Term frequency times inverse document frequency, learnt once from the indexed functions."""

    def __init__(self, texts: list[str]) -> None:
        sets = [set(self.words(text)) for text in texts]
        self.terms = {term: n for n, term in enumerate(sorted(set().union(*sets)))}
        frequency = np.zeros(len(self.terms))
        for words in sets:
            frequency[[self.terms[w] for w in words]] += 1
        self.idf = np.log(1 + len(texts) / frequency)

    @staticmethod
    def words(text: str) -> list[str]:
        raw = re.findall(r"[a-z]+", text.lower())
        return [re.sub(r"(ing|ed|es|s)$", "", w) if len(w) > 4 else w for w in raw if w not in NOISE]

    def __call__(self, text: str) -> np.ndarray:
        vector = np.full(len(self.terms), 1e-4)
        for word in self.words(text):
            if word in self.terms:
                vector[self.terms[word]] += 1
        return np.log1p(vector) * self.idf


def build_index(client: chromadb.ClientAPI, modules: list[str]) -> tuple[chromadb.Collection, TermSpace]:
    functions = {f.id: f for module in modules for f in functions_of(module)}  # overloads: the last one wins
    space = TermSpace([f.reading for f in functions.values()])
    index = client.create_collection(
        name="stdlib-functions",
        configuration={"hnsw": {"space": "cosine", "ef_search": 80}},
        metadata={"python": f"{sys.version_info.major}.{sys.version_info.minor}", "terms": len(space.terms)},
    )
    index.add(
        ids=list(functions),
        embeddings=np.array([space(f.reading) for f in functions.values()], dtype=np.float32),
        documents=[f.docstring or f.qualname for f in functions.values()],
        uris=[f"module:{f.module}#L{f.line}" for f in functions.values()],
        metadatas=[
            {
                "module": f.module,
                "arity": len(f.parameters),
                "method": f.is_method,
                "documented": bool(f.docstring),
                "signature": f"{f.qualname}({', '.join(f.parameters)})",
            }
            for f in functions.values()
        ],
    )
    return index, space


def find(index: chromadb.Collection, space: TermSpace, wish: str, n: int = 3, **where: object) -> list[tuple[str, str, str]]:
    rules = [{"documented": True}, *({key: value} for key, value in where.items())]
    found = index.query(
        query_embeddings=space(wish).astype(np.float32),
        n_results=n,
        where=rules[0] if len(rules) == 1 else {"$and": rules},
        include=["metadatas", "uris"],
    )
    return [(i, m["signature"], u) for i, m, u in zip(found["ids"][0], found["metadatas"][0], found["uris"][0])]


def main() -> None:
    index, space = build_index(chromadb.EphemeralClient(), MODULES)
    print(f"{index.count()} functions, {index.metadata['terms']} terms")
    assert index.count() > 60

    wishes = sys.argv[1:] or ["wrap a long paragraph to lines", "median of data", "insert item and keep the list sorted"]
    for wish in wishes:
        print(f"\n{wish}")
        for _, signature, uri in find(index, space, wish):
            print(f"   {signature:<52}{uri}")

    def top(wish: str, **where: object) -> list[str]:
        return [i for i, _, _ in find(index, space, wish, **where)]

    assert any(i.startswith("textwrap.") and "wrap" in i for i in top("wrap a paragraph of text to lines"))
    assert "statistics.median" in top("median of numeric data")
    assert any(i.startswith("bisect.insort") for i in top("insert item and keep it sorted"))
    assert "shlex.split" in top("split a command using shell syntax", module="shlex")
    assert all(i.count(".") == 2 for i in top("sequence matching ratio", method=True)), "methods only"

    # Filters alone answer other questions: what here takes no argument at all?
    bare = index.get(where={"$and": [{"arity": {"$eq": 0}}, {"method": False}]}, include=["metadatas"])
    assert all(m["signature"].endswith("()") for m in bare["metadatas"])


if __name__ == "__main__":
    main()

"""Find functions without docstrings and propose one each, borrowed from the most similar documented function.

The skeleton of a function (what it calls, loops over, raises and returns) is embedded,
not its names: copies with other nouns come out as neighbours.
"""

import ast
import sys
import textwrap
from collections import Counter
from typing import Optional

import chromadb

SOURCE = textwrap.dedent('''
    def mean_depth(soundings):
        """Arithmetic mean of the soundings in metres; raises ValueError if there are none."""
        if not soundings:
            raise ValueError("no soundings")
        return sum(soundings) / len(soundings)

    def mean_salinity(samples):
        if not samples:
            raise ValueError("no samples")
        return sum(samples) / len(samples)

    def read_tides(path):
        """Read a tide table: one 'time level' pair a line, '#' starts a comment."""
        rows = []
        with open(path) as file:
            for line in file:
                if line.startswith("#"):
                    continue
                time, level = line.split()
                rows.append((time, float(level)))
        return rows

    def read_currents(path):
        table = []
        with open(path) as file:
            for line in file:
                if line.startswith("#"):
                    continue
                station, speed = line.split()
                table.append((station, float(speed)))
        return table

    def nearest_buoy(buoys, position):
        """The buoy with the smallest distance to a position."""
        return min(buoys, key=lambda b: abs(b.position - position))

    def nearest_harbour(harbours, position):
        return min(harbours, key=lambda h: abs(h.position - position))

    async def poll(station, interval):
        while True:
            await station.refresh()
            yield station.reading
            await asyncio.sleep(interval)

    def _checksum(data):
        return sum(data) % 255
''')

# Every kind of node is one axis, every builtin that gets called is another.
NODES = [n for n in dir(ast) if isinstance(getattr(ast, n), type) and issubclass(getattr(ast, n), (ast.stmt, ast.expr))]
CALLS = ["sum", "len", "min", "max", "abs", "open", "float", "int", "str", "sorted", "zip", "range", "append", "split"]
AXES = {name: n for n, name in enumerate(NODES + [f"call:{c}" for c in CALLS])}


def skeleton(function):
    """Counts of syntax and known calls; the docstring itself must not count, or documented
    functions would resemble each other for being documented."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    seen = Counter()
    for statement in body:
        for node in ast.walk(statement):
            seen[type(node).__name__] += 1
            if isinstance(node, ast.Call):
                target = node.func
                called = target.id if isinstance(target, ast.Name) else getattr(target, "attr", "")
                seen[f"call:{called}"] += 3
    vector = [0.0] * len(AXES)
    for name, count in seen.items():
        if name in AXES:
            vector[AXES[name]] = float(count)
    return vector


class DocstringIndex:
    def __init__(self, client):
        self.functions = client.create_collection("functions", configuration={"hnsw": {"space": "cosine"}}, metadata={"axes": len(AXES)})

    def scan(self, filename, source):
        """Upsert all the functions of a file; functions that vanished from it are removed."""
        tree = ast.parse(source, filename)
        found = [n for n in ast.walk(tree) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))]
        ids = [f"{filename}::{node.name}" for node in found]
        self.functions.upsert(
            ids=ids,
            embeddings=[skeleton(node) for node in found],
            documents=[ast.get_docstring(node) or "" for node in found],
            metadatas=[
                {
                    "file": filename,
                    "name": node.name,
                    "line": node.lineno,
                    "documented": ast.get_docstring(node) is not None,
                    "public": not node.name.startswith("_"),
                    "coroutine": isinstance(node, ast.AsyncFunctionDef),
                }
                for node in found
            ],
        )
        stored = self.functions.get(where={"file": filename}, include=[])["ids"]
        if vanished := sorted(set(stored) - set(ids)):
            self.functions.delete(ids=vanished)
        return len(ids), len(vanished)

    def coverage(self):
        public = len(self.functions.get(where={"public": True}, include=[])["ids"])
        done = len(self.functions.get(where={"$and": [{"public": True}, {"documented": True}]}, include=[])["ids"])
        return done / public if public else 1.0

    def gaps(self):
        return self.functions.get(
            where={"$and": [{"documented": {"$eq": False}}, {"public": {"$ne": False}}]},
            include=["metadatas", "embeddings"],
        )

    def proposals(self, cutoff=0.1):
        """(id, docstring to start from, where it comes from) for every gap."""
        gaps = self.gaps()
        if not gaps["ids"]:
            return
        # All the gaps in one request; the pattern demands at least one character of docstring.
        near = self.functions.query(
            query_embeddings=gaps["embeddings"],
            n_results=1,
            where={"documented": True},
            where_document={"$regex": "."},
            include=["documents", "metadatas", "distances"],
        )
        for n, gap in enumerate(gaps["ids"]):
            model, text = near["metadatas"][n][0], near["documents"][n][0]
            close = near["distances"][n][0] <= cutoff
            yield gap, text if close else None, model["name"] if close else None


def adapt(docstring: Optional[str], model_name: Optional[str], name: str) -> str:
    """Exchange the nouns that differ between the two names: mean_depth -> mean_salinity."""
    if docstring is None or model_name is None:
        return "TODO: describe what this does and what it returns."
    for old, new in zip(model_name.split("_"), name.split("_")):
        docstring = docstring.replace(old.rstrip("s"), new.rstrip("s"))
    return docstring


def main():
    index = DocstringIndex(chromadb.EphemeralClient())
    scanned, _ = index.scan("sea.py", SOURCE)
    assert scanned == 8
    print(f"coverage: {index.coverage():.0%}")
    assert index.coverage() == 3 / 7, "the private helper does not count"

    proposals = {}
    for gap, text, model in index.proposals():
        name = gap.split("::")[1]
        proposals[name] = adapt(text, model, name)
        print(f"{name:<16} <- {model or '-':<13} {proposals[name]}")
    assert set(proposals) == {"mean_salinity", "read_currents", "nearest_harbour", "poll"}
    assert proposals["nearest_harbour"] == "The harbour with the smallest distance to a position."
    assert proposals["read_currents"].startswith("Read a current table")
    assert proposals["poll"].startswith("TODO"), "nothing resembles a polling coroutine"

    # Somebody writes the docstrings and deletes a function; the next scan sees both.
    fixed = SOURCE.replace(
        "def nearest_harbour(harbours, position):\n",
        'def nearest_harbour(harbours, position):\n    """The harbour next to a position."""\n',
    ).replace("async def poll", "async def watch")
    assert index.scan("sea.py", fixed) == (8, 1), "a renamed function leaves its old id behind"
    assert index.coverage() == 4 / 7
    left = sorted(m["name"] for m in index.gaps()["metadatas"])
    print("left to do:", ", ".join(left))
    assert left == ["mean_salinity", "read_currents", "watch"]
    assert index.functions.get(where={"coroutine": True}, include=["metadatas"])["metadatas"][0]["name"] == "watch"
    return 0 if len(left) < len(proposals) else 1


if __name__ == "__main__":
    sys.exit(main())

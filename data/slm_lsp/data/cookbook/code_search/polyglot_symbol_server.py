"""Serve one symbol index for a repository in Go, Python, Rust and TypeScript from a Chroma server that a whole team uses.

The indexer (a build job) writes, editors read; they share nothing but host and port.
"""

import os.path
import random
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time

import chromadb
from chromadb.config import Settings

REPOSITORY = {
    "collar/gps.go": "package collar\n\nfunc ParseFix(line string) (Fix, error) {\n}\n\nfunc (t *Tracker) LastPosition() Fix {\n}\n\ntype Tracker struct {\n}\n",
    "collar/battery.rs": "pub struct Battery { volts: f32 }\n\npub fn estimate_remaining_hours(b: &Battery) -> f32 {\n    0.0\n}\n",
    "herd/grazing.py": "class PasturePlan:\n    def rotate_paddocks(self, days):\n        pass\n\n\ndef animals_outside_fence(positions, fence):\n    pass\n",
    "web/map.ts": "export interface HerdView { zoom: number }\n\nexport function drawPastureFence(ctx: Canvas): void {\n}\n\nexport const lastKnownPosition = (id: string) => cache[id]\n",
}

SYMBOLS = {
    "go": [(r"^func (?:\([^)]*\) )?(\w+)\(", "function"), (r"^type (\w+)", "type")],
    "py": [(r"^\s*def (\w+)\(", "function"), (r"^class (\w+)", "type")],
    "rs": [(r"^\s*pub fn (\w+)", "function"), (r"^\s*pub struct (\w+)", "type")],
    "ts": [(r"^export (?:function|const) (\w+)", "function"), (r"^export interface (\w+)", "type")],
}


def split_name(name: str) -> list[str]:
    """LastPosition, last_position and lastKnownPosition: a symbol is the words it is made of."""
    return [w.lower() for w in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+", name)]


def name_vector(words: list[str], dims: int = 128) -> list[float]:
    total = [0.0] * dims
    for word in words:
        # The same word seeds the same generator everywhere: no table has to be shared between machines.
        rng = random.Random(word.removesuffix("s"))
        total = [t + rng.gauss(0, 1) for t in total]
    return total


def symbols(path: str, text: str):
    language = path.rsplit(".", 1)[1]
    for number, line in enumerate(text.splitlines(), start=1):
        for pattern, kind in SYMBOLS[language]:
            if match := re.match(pattern, line):
                yield {"name": match[1], "kind": kind, "language": language, "path": path, "line": number}


class SymbolServer:
    """Starts `chroma run`, waits for it, stops it.  Use as a context manager."""

    def __enter__(self) -> "SymbolServer":
        self.folder = tempfile.TemporaryDirectory()
        for _ in range(3):  # another process may take the port between choosing and binding
            with socket.create_server(("127.0.0.1", 0)) as probe:
                self.port = probe.getsockname()[1]
            command = ["chroma", "run", "--path", self.folder.name, "--host", "127.0.0.1", "--port", str(self.port)]
            command[0] = os.path.join(os.path.dirname(sys.executable), command[0])
            self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
            if self._ready(time.monotonic() + 60):
                return self
            self.__exit__()
        raise RuntimeError("no server came up")

    def _ready(self, deadline: float) -> bool:
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                return self.client().heartbeat() > 0
            except ValueError:  # what HttpClient raises while nobody listens
                time.sleep(0.2)
        return False

    def client(self) -> chromadb.ClientAPI:
        return chromadb.HttpClient(
            host="127.0.0.1", port=self.port, ssl=False, settings=Settings(anonymized_telemetry=False)
        )

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(timeout=30)
        self.folder.cleanup()


def publish(client: chromadb.ClientAPI, repository: dict[str, str], revision: str) -> int:
    """Write a complete new index beside the old one and switch by renaming: readers never see half of it."""
    rows = [s for path, text in repository.items() for s in symbols(path, text)]
    fresh = client.create_collection(
        f"symbols-{revision}", configuration={"hnsw": {"space": "cosine"}}, metadata={"revision": revision}
    )
    fresh.add(
        ids=[f"{s['path']}:{s['line']}" for s in rows],
        embeddings=[name_vector(split_name(s["name"])) for s in rows],
        documents=[s["name"] for s in rows],
        metadatas=rows,
    )
    if "symbols" in [c.name for c in client.list_collections()]:
        client.delete_collection("symbols")
    fresh.modify(name="symbols")
    return len(rows)


def goto(client: chromadb.ClientAPI, words: str, n: int = 2, **where: str) -> list[str]:
    """What an editor asks: a few words, perhaps a language or a kind."""
    index = client.get_collection("symbols")
    rules = [{k: v} for k, v in where.items()]
    found = index.query(
        query_embeddings=[name_vector(split_name(words))],
        n_results=n,
        where={"$and": rules} if len(rules) > 1 else (rules or [None])[0],
        include=["metadatas"],
    )
    return [f"{m['path']}:{m['line']} {m['name']}" for m in found["metadatas"][0]]


def main() -> None:
    with SymbolServer() as server:
        builder = server.client()
        print("server", builder.get_version(), "up to", builder.get_max_batch_size(), "records a call")
        count = publish(builder, REPOSITORY, "r1")
        assert count == 11 == builder.get_collection("symbols").count()

        editor = server.client()
        where_is = goto(editor, "last position")
        print(*where_is, sep="\n")
        assert {line.split()[-1] for line in where_is} == {"LastPosition", "lastKnownPosition"}
        assert goto(editor, "fence", n=1, language="py") == ["herd/grazing.py:6 animals_outside_fence"]
        assert goto(editor, "pasture", n=1, language="py", kind="type")[0].endswith("PasturePlan")

        # Four editors at once, each with a client of its own.
        answers: list[list[str]] = []
        threads = [
            threading.Thread(target=lambda: answers.append(goto(server.client(), "hours remaining", n=1)))
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert answers == [["collar/battery.rs:3 estimate_remaining_hours"]] * 4

        # Exported constants by convention, over all the languages: a name is a document, so patterns work on it.
        camel = builder.get_collection("symbols").get(where_document={"$regex": "^[a-z]+[A-Z]"}, include=["documents"])
        assert set(camel["documents"]) == {"drawPastureFence", "lastKnownPosition"}

        # The next revision is published; an editor that stayed connected sees it with its next question.
        REPOSITORY["collar/gps.go"] += "\nfunc LastPositionOf(cow string) Fix {\n}\n"
        publish(builder, REPOSITORY, "r2")
        assert len(goto(editor, "last position", n=5, language="go")) == 4
        live = editor.get_collection("symbols")
        assert live.metadata == {"revision": "r2"} and editor.count_collections() == 1
        by_id = editor.get_collection_by_id(live.id)
        assert by_id.name == "symbols" and by_id.count() == 12
        print("switched to", live.metadata["revision"], "with", live.count(), "symbols")


if __name__ == "__main__":
    main()

"""Remember what an agent's tools returned, so that it neither calls twice nor forgets what it saw.

Two different look-ups share one collection.  Before a call: the exact same tool with the
exact same arguments, not yet expired - found by id, no vectors involved.  While
thinking: "what did I learn about shipping rates?" - found by meaning, whatever tool it
came from.
"""

import functools
import hashlib
import json
import time
from collections.abc import Callable
from typing import Any

import chromadb
from chromadb import Documents, EmbeddingFunction, Embeddings

LONGEST = 400  # characters of a result that go into the memory; a tool may return megabytes


class JsonWords(EmbeddingFunction[Documents]):
    """Embeds the words of a JSON text: keys and string values count, punctuation and numbers do not."""

    def __init__(self, dim: int = 200, salt: str = "") -> None:
        self.dim, self.salt = dim, salt

    def __call__(self, input: Documents) -> Embeddings:
        import numpy as np

        block = np.full((len(input), self.dim), 1e-3, dtype=np.float32)
        for n, text in enumerate(input):
            letters = "".join(c.lower() if c.isalpha() else " " for c in text)
            for word in set(letters.split()):
                if len(word) >= 4:
                    slot = int(hashlib.sha1((self.salt + word.rstrip("s")).encode()).hexdigest()[:8], 16)
                    block[n, slot % self.dim] += 1.0
        return list(block)

    @staticmethod
    def name() -> str:
        return "json_words"

    def get_config(self) -> dict[str, Any]:
        return {"dim": self.dim, "salt": self.salt}

    @staticmethod
    def build_from_config(config: dict[str, Any]) -> "JsonWords":
        return JsonWords(dim=config["dim"], salt=config["salt"])

    def validate_config_update(self, old_config: dict[str, Any], new_config: dict[str, Any]) -> None:
        if old_config["dim"] != new_config["dim"]:
            raise ValueError("the dimension is part of the stored vectors and cannot change")


class ToolMemory:
    def __init__(self, collection: chromadb.Collection, clock: Callable[[], float] = time.time) -> None:
        self.collection = collection
        self.clock = clock

    @staticmethod
    def call_id(tool: str, arguments: dict[str, Any]) -> str:
        # sort_keys: f(a=1, b=2) and f(b=2, a=1) are one call
        canonical = json.dumps(arguments, sort_keys=True, separators=(",", ":"), default=str)
        return f"{tool}:{hashlib.sha256(canonical.encode()).hexdigest()[:20]}"

    def tool(self, ttl: float, topic: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Decorator: results are remembered for `ttl` seconds, failures for a tenth of that."""

        def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
            @functools.wraps(function)
            def wrapper(**arguments: Any) -> Any:
                key = self.call_id(function.__name__, arguments)
                live = self.collection.get(
                    ids=[key],
                    where={"$and": [{"expires": {"$gt": self.clock()}}, {"failed": False}]},
                    include=["metadatas"],
                )
                if live["ids"]:
                    return json.loads(live["metadatas"][0]["result"])
                try:
                    result, failed = function(**arguments), False
                except Exception as error:
                    result, failed = {"error": str(error)}, True
                text = json.dumps(result)
                self.collection.upsert(
                    ids=[key],
                    documents=[f"{topic} {json.dumps(arguments)} {text}"[:LONGEST]],
                    metadatas=[
                        {
                            "tool": function.__name__,
                            "topic": topic,
                            "result": text,
                            "failed": failed,
                            "called": self.clock(),
                            "expires": self.clock() + (ttl / 10 if failed else ttl),
                        }
                    ],
                )
                if failed:
                    raise RuntimeError(f"{function.__name__} failed: {result['error']}")
                return result

            return wrapper

        return decorate

    def recall(self, thought: str, count: int = 2, **only: str) -> list[dict[str, Any]]:
        clauses: list[dict[str, Any]] = [{"failed": False}, {"expires": {"$gt": self.clock()}}]
        clauses.extend({key: value} for key, value in only.items())
        page = self.collection.query(query_texts=[thought], n_results=count, where={"$and": clauses})
        return page["metadatas"][0]

    def sweep(self) -> int:
        return self.collection.delete(where={"expires": {"$lte": self.clock()}})["deleted"]


def main() -> None:
    now = 1_700_000_000.0
    client = chromadb.EphemeralClient()
    collection = client.create_collection("agent-tools", configuration={"embedding_function": JsonWords(dim=512, salt="v1")})
    memory = ToolMemory(collection, clock=lambda: now)
    calls: list[str] = []

    @memory.tool(ttl=60, topic="share price quote")
    def quote(symbol: str, currency: str = "EUR") -> dict[str, Any]:
        calls.append("quote")
        return {"symbol": symbol, "price": 12.5 + len(calls), "currency": currency}

    @memory.tool(ttl=3600, topic="shipping freight rates report")
    def freight(route: str) -> dict[str, Any]:
        calls.append("freight")
        if route == "nowhere":
            raise LookupError("no such route")
        return {"route": route, "summary": "container rates rising after port strike", "rows": list(range(300))}

    first = quote(symbol="HAFN", currency="NOK")
    assert quote(currency="NOK", symbol="HAFN") == first, "same call, other order of arguments"
    freight(route="Rotterdam-Santos")
    assert calls == ["quote", "freight"]

    seen = memory.recall("are container shipping rates rising on that route?", count=1)[0]
    print("remembered:", seen["tool"], "->", json.loads(seen["result"])["summary"])
    assert seen["tool"] == "freight" and len(json.loads(seen["result"])["rows"]) == 300
    stored = collection.get(where={"tool": "freight"}, include=["documents"])["documents"][0]
    assert len(stored) == LONGEST, "the searchable text is clipped, the result itself is not"

    # A failure is remembered too, but never served as a result.
    for _ in range(2):
        try:
            freight(route="nowhere")
        except RuntimeError as error:
            assert "no such route" in str(error)
        else:
            raise AssertionError("the tool should have failed")
    assert calls.count("freight") == 3, "failed calls are tried again"
    assert all(m["failed"] is False for m in memory.recall("freight nowhere", count=5))

    # A minute later prices are stale while the freight report still stands.
    now += 61
    again = quote(symbol="HAFN", currency="NOK")
    assert again["price"] != first["price"] and calls[-1] == "quote"
    assert memory.recall("share price", tool="quote")[0]["result"] == json.dumps(again)
    assert collection.count() == 3, "a refreshed result replaces the stale one"

    now += 400
    swept = memory.sweep()
    print("calls made:", calls, "| swept:", swept, "| kept:", collection.get(include=[])["ids"])
    assert swept == 2 and collection.count() == 1

    # The function travels with the collection: name and config are stored beside the data.
    reopened = client.get_collection("agent-tools")
    assert reopened.configuration_json["embedding_function"]["config"] == {"dim": 512, "salt": "v1"}


if __name__ == "__main__":
    main()

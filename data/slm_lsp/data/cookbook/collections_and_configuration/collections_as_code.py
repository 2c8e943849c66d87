"""Reconcile a database with collections declared in TOML: plan what differs, apply what can be, report the rest.

Much like infrastructure as code: the file is the truth, running twice changes nothing, and changes that need
a rebuild (another distance, another graph) are never made behind one's back.
"""

from __future__ import annotations

import tempfile
import tomllib
from dataclasses import dataclass
from typing import Any, Iterator, Literal

import chromadb

DECLARATION = """
[target]
tenant = "default_tenant"
database = "default_database"

[defaults.hnsw]
space = "cosine"
ef_search = 64

[collections.patients-faq]
metadata = { owner = "ward-3", retention_days = 365 }

[collections.drug-leaflets]
metadata = { owner = "pharmacy" }
hnsw = { ef_construction = 200, max_neighbors = 32, sync_threshold = 2000 }

[collections.radiology-notes]
metadata = { owner = "imaging" }
hnsw = { space = "l2" }
"""

# What modify() can change; everything else about the graph is fixed at creation.
MUTABLE = {"ef_search", "num_threads", "batch_size", "sync_threshold", "resize_factor"}


class NoEmbedding(chromadb.EmbeddingFunction[chromadb.Documents]):
    """Declared collections get their vectors from the pipeline; embedding here would be a mistake."""

    def __init__(self) -> None:
        self.reason = "declared collections take precomputed vectors: pass embeddings="

    def __call__(self, input: chromadb.Documents) -> chromadb.Embeddings:
        raise RuntimeError(self.reason)

    @staticmethod
    def name() -> str:
        return "pipeline-embeds"

    def get_config(self) -> dict[str, Any]:
        return {}

    @staticmethod
    def build_from_config(config: dict[str, Any]) -> NoEmbedding:
        return NoEmbedding()


@dataclass(frozen=True)
class Action:
    kind: Literal["create", "metadata", "configure", "rebuild", "undeclared"]
    collection: str
    detail: Any = None

    def __str__(self) -> str:
        return f"{self.kind:<10} {self.collection}" + (f"  {self.detail}" if self.detail else "")


def wanted(declaration: dict[str, Any]) -> dict[str, dict[str, Any]]:
    defaults = declaration.get("defaults", {}).get("hnsw", {})
    return {
        name: {"metadata": spec.get("metadata"), "hnsw": {**defaults, **spec.get("hnsw", {})}}
        for name, spec in declaration["collections"].items()
    }


def plan(client: chromadb.ClientAPI, declaration: dict[str, Any]) -> Iterator[Action]:
    existing = {collection.name: collection for collection in client.list_collections()}
    for name, spec in wanted(declaration).items():
        if name not in existing:
            yield Action("create", name, spec)
            continue
        collection = existing[name]
        if collection.metadata != spec["metadata"]:
            yield Action("metadata", name, spec["metadata"])
        actual = collection.configuration_json["hnsw"]
        # Options that the server does not report back cannot be compared; leave them alone.
        drift = {key: value for key, value in spec["hnsw"].items() if key in actual and actual[key] != value}
        if fixed := {key: value for key, value in drift.items() if key not in MUTABLE}:
            yield Action("rebuild", name, fixed)
        if soft := {key: value for key, value in drift.items() if key in MUTABLE}:
            yield Action("configure", name, soft)
    for name in existing.keys() - declaration["collections"].keys():
        yield Action("undeclared", name)


def apply(client: chromadb.ClientAPI, actions: list[Action]) -> list[Action]:
    """Carries out what is harmless; returns what a person has to decide."""
    left = []
    for action in actions:
        match action.kind:
            case "create":
                client.create_collection(
                    name=action.collection,
                    metadata=action.detail["metadata"],
                    configuration={"hnsw": action.detail["hnsw"]},
                    embedding_function=NoEmbedding(),
                )
            case "metadata":
                client.get_collection(action.collection).modify(metadata=action.detail)
            case "configure":
                client.get_collection(action.collection).modify(configuration={"hnsw": action.detail})
            case _:
                left.append(action)
    return left


def main() -> None:
    declaration = tomllib.loads(DECLARATION)
    target = declaration["target"]
    with (
        tempfile.TemporaryDirectory() as folder,
        chromadb.PersistentClient(
            path=folder, tenant=target["tenant"], database=target["database"]
        ) as client,
    ):
        client.create_collection("someones-experiment", embedding_function=NoEmbedding())

        first = list(plan(client, declaration))
        print(*first, sep="\n")
        assert sorted(action.kind for action in first) == ["create"] * 3 + ["undeclared"]
        left = apply(client, first)
        assert left == [Action("undeclared", "someones-experiment")]
        leaflets = client.get_collection(name="drug-leaflets")
        assert leaflets.configuration["hnsw"]["max_neighbors"] == 32
        assert leaflets.configuration["hnsw"]["space"] == "cosine"

        # Idempotent: nothing to do but the collection nobody declared.
        assert [action.kind for action in plan(client, declaration)] == ["undeclared"]

        # Somebody edits the file: a retention time, a search width, and a distance.
        declaration["collections"]["patients-faq"]["metadata"]["retention_days"] = 90
        declaration["defaults"]["hnsw"]["ef_search"] = 128
        declaration["collections"]["radiology-notes"]["hnsw"]["space"] = "cosine"
        second = list(plan(client, declaration))
        print("--")
        print(*second, sep="\n")
        left = apply(client, second)
        assert {action.kind for action in left} == {"rebuild", "undeclared"}
        assert client.get_collection("patients-faq").metadata["retention_days"] == 90
        for name in declaration["collections"]:
            assert client.get_collection(name).configuration["hnsw"]["ef_search"] == 128
        assert client.get_collection("radiology-notes").configuration["hnsw"]["space"] == "l2"  # untouched


if __name__ == "__main__":
    main()

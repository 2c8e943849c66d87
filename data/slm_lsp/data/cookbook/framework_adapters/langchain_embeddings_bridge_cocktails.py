"""Use LangChain `Embeddings` inside Chroma for a bar: the shipped bridge, where it stops, and an adapter that goes on."""
from __future__ import annotations

import importlib
import sys
import types
import warnings
from typing import Any

import chromadb
from chromadb.utils.embedding_functions import register_embedding_function
from chromadb.utils.embedding_functions.chroma_langchain_embedding_function import create_langchain_embedding

try:
    from langchain_core.embeddings import Embeddings
except ImportError:
    # The bridge itself imports langchain_core.embeddings, so the stand-in has to be a module.
    class Embeddings:
        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            raise NotImplementedError

        def embed_query(self, text: str) -> list[float]:
            raise NotImplementedError

    parent = types.ModuleType("langchain_core")
    parent.embeddings = types.ModuleType("langchain_core.embeddings")
    parent.embeddings.Embeddings = Embeddings
    sys.modules |= {"langchain_core": parent, "langchain_core.embeddings": parent.embeddings}


class FlavourEmbeddings(Embeddings):
    """Somebody's LangChain embeddings, with constructor parameters as the real ones have."""

    def __init__(self, floor: float = 0.05) -> None:
        self.floor = floor

    def _wheel(self, text: str) -> list[float]:
        wheel = {
            "sour": ("lime", "lemon", "sour"),
            "bitter": ("campari", "bitter", "tonic"),
            "sweet": ("syrup", "sugar", "sweet", "vermouth"),
            "smoky": ("mezcal", "smoky", "islay"),
            "fresh": ("mint", "soda", "cucumber"),
        }
        return [self.floor + sum(word in text.lower() for word in words) for words in wheel.values()]

    def embed_documents(self, texts):
        return [self._wheel(text) for text in texts]

    def embed_query(self, text):
        # queries lean away from "sweet": guests never ask for it, they just like it
        vector = self._wheel(text)
        vector[2] *= 0.5
        return vector


BAR = {
    "daiquiri": "White rum, lime, a little sugar syrup.",
    "negroni": "Gin, campari, sweet vermouth.",
    "mojito": "Rum, lime, mint, soda, sugar.",
    "naked-and-famous": "Mezcal, lime, yellow chartreuse, bitter aperitif.",
    "highball": "Islay whisky with soda.",
}


def with_the_shipped_bridge(client: chromadb.ClientAPI) -> None:
    bridge = create_langchain_embedding(FlavourEmbeddings())

    # It cannot be rebuilt from a configuration, so Chroma would store it as a legacy function, with a warning.
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always", DeprecationWarning)
        client.create_collection("bar-warned", embedding_function=bridge)
    assert any("legacy embedding function config" in str(w.message) for w in seen)
    client.delete_collection("bar-warned")

    # Create without a function, and attach the bridge whenever the collection is opened.
    client.create_collection("bar", embedding_function=None, configuration={"hnsw": {"space": "cosine"}})
    bar = client.get_collection("bar", embedding_function=bridge)
    bar.add(ids=list(BAR), documents=list(BAR.values()))
    assert bar.count() == len(BAR)

    # The bridge's embed_query has LangChain's signature (one text), not Chroma's (a list named `input`).
    try:
        bar.query(query_texts=["something smoky"], n_results=1)
    except TypeError as error:
        assert "input" in str(error)
    else:
        raise AssertionError("query_texts works now: the detour below can go")
    hits = bar.query(query_embeddings=[bridge.embed_query("something smoky, with soda")], n_results=1)
    assert hits["ids"] == [["highball"]]

    try:
        bridge.embed_image(["file:///menu.png"])
    except ValueError as error:
        assert "does not support image embeddings" in str(error)
    else:
        raise AssertionError("this model has no eyes")


@register_embedding_function
class LangChainFunction(chromadb.EmbeddingFunction[chromadb.Documents]):
    """Any LangChain embeddings class by its import path, so that a collection can be reopened by name alone."""

    def __init__(self, path: str, **parameters: Any) -> None:
        module, _, cls = path.partition(":")
        self.path = path
        self.parameters = parameters
        self.embeddings = getattr(importlib.import_module(module), cls)(**parameters)

    def __call__(self, input: chromadb.Documents) -> chromadb.Embeddings:
        return self.embeddings.embed_documents(list(input))

    def embed_query(self, input: chromadb.Documents) -> chromadb.Embeddings:
        return [self.embeddings.embed_query(text) for text in input]

    @staticmethod
    def name() -> str:
        return "langchain_by_path"

    def get_config(self) -> dict[str, Any]:
        return {"path": self.path, "parameters": self.parameters}

    @staticmethod
    def build_from_config(config: dict[str, Any]) -> LangChainFunction:
        return LangChainFunction(config["path"], **config["parameters"])

    def default_space(self) -> str:
        return "cosine"

    @staticmethod
    def validate_config(config: dict[str, Any]) -> None:
        if any("key" in name for name in config["parameters"]):
            raise ValueError("pass secrets through the environment: parameters are stored in the database")


def with_an_adapter(client: chromadb.ClientAPI) -> str:
    # "langchain_openai:OpenAIEmbeddings" in real life; here the class of this very file
    by_path = LangChainFunction(f"{FlavourEmbeddings.__module__}:FlavourEmbeddings", floor=0.02)
    menu = client.create_collection("menu", embedding_function=by_path)
    menu.add(
        ids=list(BAR),
        documents=list(BAR.values()),
        metadatas=[{"spirit": text.split(",")[0].lower(), "long": "soda" in text} for text in BAR.values()],
    )

    reopened = client.get_collection("menu")
    assert reopened.configuration_json["embedding_function"]["config"]["parameters"] == {"floor": 0.02}
    asked = reopened.query(query_texts=["sour with mint", "bitter and sweet"], n_results=1)
    assert asked["ids"] == [["mojito"], ["negroni"]]
    assert reopened.query(query_texts=["lime, sugar"], n_results=1, where={"long": False})["ids"] == [["daiquiri"]]

    try:
        LangChainFunction.validate_config({"path": "x:Y", "parameters": {"api_key": "sk-..."}})
    except ValueError as error:
        print("refused:", error)
    else:
        raise AssertionError("a secret would have been stored")
    # The one in charge of the bar changes the floor; same class, same dimensions, so it may be modified in place.
    menu.modify(configuration={"embedding_function": LangChainFunction(by_path.path, floor=0.1)})
    now = client.get_collection("menu").configuration["embedding_function"]
    assert isinstance(now.embeddings, FlavourEmbeddings) and now.embeddings.floor == 0.1
    return asked["documents"][0][0]


def main() -> None:
    client = chromadb.EphemeralClient()
    with_the_shipped_bridge(client)
    print("sour with mint:", with_an_adapter(client))
    assert {collection.name for collection in client.list_collections()} == {"bar", "menu"}


if __name__ == "__main__":
    main()

"""Port a hand-written embedding function from the 0.3/0.4 interface to the one of 1.x, in three steps.

0.3:  any callable taking `texts` was accepted.
0.4.16: a class whose __call__ takes exactly (self, input).
1.x:  additionally __init__, name(), get_config() and build_from_config(), so that it can be stored with the
      collection and built again; without them it works, with warnings, and is stored as "legacy".
"""

from __future__ import annotations

import math
import tempfile
import warnings
from typing import Any

import chromadb
from chromadb import Documents, EmbeddingFunction, Embeddings
from chromadb.utils.embedding_functions import register_embedding_function

MINERALS = ["quartz", "feldspar", "mica", "calcite", "pyrite", "hematite"]


def mineral_profile(description: str) -> list[float]:
    """Where each mineral is first mentioned, earlier counts more; scaled to length one."""
    text = description.lower()
    raw = [1 / (1 + text.find(m)) ** 0.5 if m in text else 0.0 for m in MINERALS] + [0.01]
    norm = math.sqrt(sum(value * value for value in raw))
    return [value / norm for value in raw]


# --- 0.3: a plain function -------------------------------------------------------------------------------


def embed_texts(texts):
    return [mineral_profile(text) for text in texts]


# --- 0.3: a class with its own parameter name ------------------------------------------------------------


class OldMineralEmbedder:
    def __call__(self, texts):
        return embed_texts(texts)


# --- 0.4.16: the right signature, and nothing else -------------------------------------------------------


class HalfPortedEmbedder(EmbeddingFunction[Documents]):
    def __call__(self, input: Documents) -> Embeddings:
        return embed_texts(input)


# --- 1.x ---------------------------------------------------------------------------------------------------


@register_embedding_function
class MineralEmbedder(EmbeddingFunction[Documents]):
    def __init__(self, minerals: list[str] | None = None) -> None:
        self.minerals = minerals or MINERALS

    def __call__(self, input: Documents) -> Embeddings:
        return embed_texts(input)

    @staticmethod
    def name() -> str:
        return "mineral-profile"  # stored with collections: never rename it afterwards

    def get_config(self) -> dict[str, Any]:
        return {"minerals": self.minerals}  # must survive JSON; no secrets, no open connections

    @staticmethod
    def build_from_config(config: dict[str, Any]) -> MineralEmbedder:
        return MineralEmbedder(**config)


SAMPLES = {
    "granite": "Quartz and feldspar with flakes of mica",
    "limestone": "Mostly calcite, traces of quartz",
    "ore-7": "Hematite, some pyrite, a little quartz",
}


def why_it_fails(client: chromadb.ClientAPI, function: Any) -> str:
    with warnings.catch_warnings():
        # Chroma first warns that it cannot store the function, then refuses it; the refusal is what we want.
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            client.create_collection("samples", embedding_function=function)
        except ValueError as error:
            return str(error).splitlines()[0]
        except AttributeError as error:
            return f"{error}"
        finally:
            if client.count_collections():
                client.delete_collection("samples")
    raise AssertionError("the old interface should be refused")


def warnings_of(client: chromadb.ClientAPI) -> set[str]:
    """The half-ported class works today; its warnings say what it lacks."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        samples = client.create_collection("samples", embedding_function=HalfPortedEmbedder())
        samples.add(ids=list(SAMPLES), documents=list(SAMPLES.values()))
        assert samples.query(query_texts=["calcite"], n_results=1)["ids"] == [["limestone"]]
    # The collection does not know its function: every later opening has to pass it.
    stored = client.get_collection("samples", embedding_function=None).configuration_json["embedding_function"]
    assert stored is None or stored["type"] == "legacy"
    client.delete_collection("samples")
    return {w.message.args[0].split(". ")[0] for w in caught if issubclass(w.category, DeprecationWarning)}


def main() -> None:
    client = chromadb.EphemeralClient()
    for function in (embed_texts, OldMineralEmbedder()):
        reason = why_it_fails(client, function)
        assert "signature" in reason, reason
        print(f"{getattr(function, '__name__', type(function).__name__)}: {reason[:88]}...")

    missing = warnings_of(client)
    assert any("name()" in message for message in missing)
    assert any("__init__" in message for message in missing)
    print("HalfPortedEmbedder:", *sorted(missing), sep="\n  - ")

    with tempfile.TemporaryDirectory() as path, warnings.catch_warnings():
        warnings.simplefilter("error")  # the finished port is silent
        with chromadb.PersistentClient(path=path) as disk:
            samples = disk.create_collection("samples", embedding_function=MineralEmbedder())
            samples.add(ids=list(SAMPLES), documents=list(SAMPLES.values()))
            stored = samples.configuration_json["embedding_function"]
            assert stored["type"] == "known" and stored["name"] == "mineral-profile"

        with chromadb.PersistentClient(path=path) as disk:
            # Months later, in another script: nobody passes a function, and the texts still find their way.
            samples = disk.get_collection("samples")
            assert samples.configuration["embedding_function"].minerals == MINERALS
            best = samples.query(query_texts=["pyrite with hematite"], n_results=1)
            assert best["ids"] == [["ore-7"]]
            print("MineralEmbedder: stored as", stored["name"], "->", best["documents"][0][0])

    # Old code that called the function itself keeps working: calling is still calling.
    by_hand = MineralEmbedder()(["mica"])
    assert len(by_hand) == 1 and abs(float((by_hand[0] ** 2).sum()) - 1) < 1e-5


if __name__ == "__main__":
    main()

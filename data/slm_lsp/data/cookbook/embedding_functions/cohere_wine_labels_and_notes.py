"""Match wine labels and tasting notes in one collection with CohereEmbeddingFunction, which takes texts and images alike."""

from __future__ import annotations

import base64
import io
import os
import sys
from types import ModuleType, SimpleNamespace
from typing import Iterable, NamedTuple

import chromadb
import numpy as np
from chromadb.utils.embedding_functions.cohere_embedding_function import CohereEmbeddingFunction
from PIL import Image


class FakeCohereClient:
    """Speaks enough of cohere.Client for an offline run: `embed` for texts, and for PNG data URIs."""

    log: list[tuple[str, int]] = []

    def __init__(self, api_key: str) -> None:
        if not api_key.startswith("co-"):
            raise PermissionError("invalid api token")

    def embed(self, *, model: str, input_type: str, texts: list[str] = (), images: list[str] = ()):
        self.log.append((input_type, len(texts) or len(images)))
        rows = [self._text(t) for t in texts] or [self._image(uri) for uri in images]
        return SimpleNamespace(embeddings=rows)

    @staticmethod
    def _text(text: str) -> list[float]:
        low = text.lower()
        red = sum(w in low for w in ("cherry", "plum", "tannin", "ruby", "red"))
        white = sum(w in low for w in ("citrus", "lemon", "mineral", "straw", "white"))
        rose = sum(w in low for w in ("strawberry", "salmon", "pink"))
        return [red + 0.1, white + 0.1, rose + 0.1]

    @staticmethod
    def _image(uri: str) -> list[float]:
        header, _, body = uri.partition(",")
        assert header == "data:image/png;base64"
        r, g, b = np.asarray(Image.open(io.BytesIO(base64.b64decode(body))).convert("RGB")).mean(axis=(0, 1))
        bright = (r + g + b) / 765
        pink = max(0.0, (r - g) / 255) if bright > 0.55 else 0.0
        return [1.0 - bright + 0.1, bright - pink + 0.05, 2 * pink + 0.1]


def install_stub() -> None:
    module = ModuleType("cohere")
    module.Client = FakeCohereClient
    sys.modules["cohere"] = module


class Bottle(NamedTuple):
    sku: str
    note: str
    region: str
    vintage: int


CELLAR = (
    Bottle("BAR-16", "Sour cherry and plum, firm tannin, deep ruby.", "Piedmont", 2016),
    Bottle("CHA-20", "Lemon and wet stone, very mineral, straw coloured.", "Burgundy", 2020),
    Bottle("TAV-22", "Wild strawberry, salmon pink, bone dry.", "Rhone", 2022),
    Bottle("RIO-11", "Dried plum, leather and soft tannin.", "Rioja", 2011),
    Bottle("ALB-23", "Citrus peel, saline and mineral.", "Galicia", 2023),
)


def add_notes(wines: chromadb.Collection, bottles: Iterable[Bottle]) -> None:
    bottles = list(bottles)
    wines.add(
        ids=[f"note:{b.sku}" for b in bottles],
        documents=[b.note for b in bottles],
        metadatas=[{"kind": "note", "sku": b.sku, "region": b.region, "vintage": b.vintage} for b in bottles],
    )


def add_labels(wines: chromadb.Collection, labels: dict[str, np.ndarray]) -> None:
    wines.add(
        ids=[f"label:{sku}" for sku in labels],
        images=list(labels.values()),
        metadatas=[{"kind": "label", "sku": sku} for sku in labels],
    )


def solid(rgb: tuple[int, int, int]) -> np.ndarray:
    return np.full((8, 8, 3), rgb, dtype=np.uint8)


def main() -> None:
    install_stub()
    os.environ.pop("COHERE_API_KEY", None)
    os.environ["SOMMELIER_COHERE_KEY"] = "co-offline"

    cohere_ef = CohereEmbeddingFunction(api_key_env_var="SOMMELIER_COHERE_KEY", model_name="embed-english-v3.0")
    assert cohere_ef.default_space() == "cosine"
    # Spaces depend on the model: the old multilingual one was trained for dot products only.
    multilingual = CohereEmbeddingFunction(
        api_key_env_var="SOMMELIER_COHERE_KEY", model_name="embed-multilingual-v2.0"
    )
    assert multilingual.default_space() == "ip" and multilingual.supported_spaces() == ["ip"]

    client = chromadb.EphemeralClient()
    wines = client.create_collection(name="wines", embedding_function=cohere_ef)
    add_notes(wines, CELLAR)
    add_labels(wines, {"BAR-16": solid((60, 10, 20)), "TAV-22": solid((250, 180, 190))})
    assert FakeCohereClient.log == [("search_document", 5), ("image", 2)]

    # A guest describes a wine: search only the notes.
    answer = wines.query(
        query_texts=["something with lemon, mineral please"],
        n_results=2,
        where={"$and": [{"kind": "note"}, {"vintage": {"$gte": 2018}}]},
    )
    assert {row["sku"] for row in answer["metadatas"][0]} == {"CHA-20", "ALB-23"}

    # A guest photographs a pink glass: the same collection answers across modalities.
    photo = solid((245, 175, 185))
    across = wines.query(query_images=[photo], n_results=2, include=["metadatas", "distances"])
    assert [row["sku"] for row in across["metadatas"][0]] == ["TAV-22", "TAV-22"]
    assert {row["kind"] for row in across["metadatas"][0]} == {"note", "label"}

    # Images are not kept by Chroma, a record added by images has no document.
    label = wines.get(ids="label:BAR-16", include=["documents", "metadatas"])
    assert label["documents"] == [None] and label["metadatas"] == [{"kind": "label", "sku": "BAR-16"}]

    # Texts and images in one call are refused by the function, two kinds of input by Chroma.
    try:
        cohere_ef(["dry red", photo])
    except ValueError as error:
        assert "mix of text documents and images" in str(error)
    else:
        raise AssertionError("texts and images in one call should be refused")
    try:
        wines.query(query_texts=["dry"], query_images=[photo])
    except ValueError as error:
        print("refused:", str(error)[:72], "...")
    else:
        raise AssertionError("two kinds of query at once should be refused")

    # The bottle was drunk: both its records go.
    gone = wines.delete(where={"sku": "BAR-16"})
    assert gone == {"deleted": 2} and wines.count() == 5
    tannic = wines.query(query_texts="plum and tannin, red", n_results=1)
    assert tannic["ids"] == [["note:RIO-11"]]
    print(f"photo -> {across['ids'][0]}; after the dinner {wines.count()} records are left")


if __name__ == "__main__":
    main()

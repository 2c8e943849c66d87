"""Search a textile archive by picture: swatches are embedded from their pixels, by URI through a data loader or as arrays."""
from pathlib import Path
import tempfile

import numpy as np

import chromadb
from chromadb.api.types import DataLoader, Embeddings, Images, URIs
from chromadb.utils.embedding_functions import EmbeddingFunction, register_embedding_function

SIZE = 16


@register_embedding_function
class SwatchHistogram(EmbeddingFunction[Images]):
    """Mean colour, contrast and the strength of horizontal and vertical stripes."""

    def __init__(self, stripe_weight: float = 1.0):
        self.stripe_weight = stripe_weight

    def __call__(self, input: Images) -> Embeddings:
        return [self._features(np.asarray(image, dtype=np.float32) / 255.0) for image in input]

    def _features(self, image):
        grey = image.mean(axis=2)
        rows, columns = grey.mean(axis=1).std(), grey.mean(axis=0).std()
        return np.array(
            [*image.mean(axis=(0, 1)), grey.std(), rows * self.stripe_weight, columns * self.stripe_weight],
            dtype=np.float32,
        )

    @staticmethod
    def name():
        return "swatch-histogram"

    def get_config(self):
        return {"stripe_weight": self.stripe_weight}

    @staticmethod
    def build_from_config(config):
        return SwatchHistogram(stripe_weight=config["stripe_weight"])


class NumpyFileLoader(DataLoader[Images]):
    """Reads swatches that the scanner saved with numpy.save; a URI is a file name below the root."""

    def __init__(self, root):
        self.root = Path(root)

    def __call__(self, uris: URIs) -> Images:
        return [None if uri is None else np.load(self.root / uri) for uri in uris]


def paint(colour, stripes=None):
    """A plain swatch, or one with black stripes of two pixels: 'h'orizontal or 'v'ertical."""
    cloth = np.zeros((SIZE, SIZE, 3), dtype=np.int64) + np.array(colour)
    if stripes == "h":
        cloth[::4] = cloth[1::4] = 0
    elif stripes == "v":
        cloth[:, ::4] = cloth[:, 1::4] = 0
    return cloth


ARCHIVE = {
    "red-plain.npy": paint((200, 20, 20)),
    "red-weft.npy": paint((200, 20, 20), "h"),
    "blue-plain.npy": paint((20, 20, 200)),
    "blue-warp.npy": paint((20, 20, 200), "v"),
}


def main():
    with tempfile.TemporaryDirectory() as scans:
        for file_name, pixels in ARCHIVE.items():
            np.save(Path(scans) / file_name, pixels)
        loader = NumpyFileLoader(scans)
        client = chromadb.EphemeralClient()
        swatches = client.create_collection(
            name="swatches",
            embedding_function=SwatchHistogram(stripe_weight=2.0),
            data_loader=loader,
        )

        # The archive is embedded by URI: the loader opens the files, the pixels themselves are not stored.
        swatches.add(
            ids=[name.removesuffix(".npy") for name in ARCHIVE],
            uris=list(ARCHIVE),
            metadatas=[{"dye": name.split("-")[0]} for name in ARCHIVE],
        )

        # A customer's photograph, held in memory.
        photo = paint((190, 30, 25))
        by_photo = swatches.query(query_images=[photo], n_results=2, include=["distances", "uris"])
        assert by_photo["ids"][0][0] == "red-plain"
        assert by_photo["uris"][0][0] == "red-plain.npy"

        # A photograph on disk, and the matching swatches loaded for display.
        np.save(Path(scans) / "customer.npy", paint((30, 30, 180), "v"))
        by_file = swatches.query(query_uris=["customer.npy"], n_results=1, include=["uris", "data", "metadatas"])
        assert by_file["metadatas"][0][0] == {"dye": "blue"}
        assert by_file["data"][0][0].shape == (SIZE, SIZE, 3)

        # New cloth straight from the camera. It is saved first: the picture and its URI must be the same cloth.
        green = paint((20, 180, 40))
        np.save(Path(scans) / "green-plain.npy", green)
        swatches.upsert(
            ids=["green-plain"],
            images=[green],
            uris=["green-plain.npy"],
            metadatas=[{"dye": "green"}],
        )
        swatches.add(ids=["sample-77"], images=[paint((120, 120, 120), "h")], metadatas=[{"dye": "none"}])

        # The green cloth was photographed upside down and in bad light: replace its vector, keep its record.
        before = swatches.get(ids=["green-plain"], include=["embeddings"])["embeddings"][0]
        swatches.update(ids=["green-plain"], images=[paint((30, 220, 60))])
        after = swatches.get(ids=["green-plain"], include=["embeddings", "metadatas"])
        assert not np.allclose(before, after["embeddings"][0])
        assert after["metadatas"] == [{"dye": "green"}]

        # Moving a file touches only the URI: without new pixels nothing is embedded again.
        swatches.update(ids=["red-weft"], uris=["red-plain.npy"])
        moved = client.get_collection(
            name="swatches", embedding_function=SwatchHistogram(stripe_weight=2.0), data_loader=loader
        ).get(ids=["red-weft"], include=["uris", "data"])
        assert moved["uris"] == ["red-plain.npy"] and moved["data"][0].max() == 200

        # What is out on loan is kept apart; two pictures are looked up in one call.
        loans = client.get_or_create_collection(
            name="loans", embedding_function=SwatchHistogram(stripe_weight=2.0), data_loader=loader
        )
        loans.add(ids=["loan-1", "loan-2"], uris=["blue-plain.npy", "red-weft.npy"])
        returned = loans.query(query_images=[paint((180, 30, 30), "h"), paint((0, 0, 190))], n_results=1, include=[])
        assert returned["ids"] == [["loan-2"], ["loan-1"]]

        # By id the collection is found even after somebody renamed it.
        swatches.modify(name="swatches-2025")
        same = client.get_collection_by_id(swatches.id, embedding_function=SwatchHistogram(), data_loader=loader)
        assert same.name == "swatches-2025" and same.count() == 6
        print("closest swatch to the photograph:", by_photo["ids"][0][0])


if __name__ == "__main__":
    main()

"""Find paint swatches by colour with an image embedding function, from arrays, from files by URI, and by description.

The collection never stores a picture: it stores URIs, and Chroma's ImageLoader reads the files back when `data` is
asked for.
"""

import tempfile
from pathlib import Path
from typing import Any, Dict, List, Union

import chromadb
import numpy as np
from chromadb import EmbeddingFunction, Embeddings
from chromadb.utils.data_loaders import ImageLoader
from chromadb.utils.embedding_functions import register_embedding_function
from PIL import Image

NAMED_COLOURS = {
    "red": (200, 30, 30), "green": (40, 150, 60), "blue": (40, 70, 200),
    "white": (245, 245, 240), "black": (20, 20, 20), "yellow": (240, 210, 50), "brown": (120, 75, 40),
}


@register_embedding_function
class ColourHistogram(EmbeddingFunction[Union[List[str], List[np.ndarray]]]):
    """Images become soft RGB histograms; words such as "blue and white" become the histogram of those colours."""

    def __init__(self, bins: int = 4) -> None:
        self.bins = bins

    def __call__(self, input: Union[List[str], List[np.ndarray]]) -> Embeddings:
        return [self._describe(item) if isinstance(item, str) else self._histogram(item) for item in input]

    def _histogram(self, pixels: np.ndarray) -> np.ndarray:
        rgb = np.asarray(pixels)[..., :3].reshape(-1, 3).astype(np.float64)
        # Spread each pixel over its neighbouring bins: two close shades must not fall into unrelated boxes.
        centres = (np.arange(self.bins) + 0.5) * 256 / self.bins
        weights = np.exp(-(((rgb[:, :, None] - centres) / 40.0) ** 2))
        weights /= weights.sum(axis=2, keepdims=True)
        joint = np.einsum("nr,ng,nb->rgb", weights[:, 0], weights[:, 1], weights[:, 2])
        return (joint / len(rgb)).ravel().astype(np.float32)

    def _describe(self, text: str) -> np.ndarray:
        named = [rgb for word, rgb in NAMED_COLOURS.items() if word in text.lower()]
        if not named:
            raise ValueError(f"no colour named in {text!r}")
        return self._histogram(np.array([named], dtype=np.uint8))

    @staticmethod
    def name() -> str:
        return "colour_histogram"

    @staticmethod
    def build_from_config(config: Dict[str, Any]) -> "ColourHistogram":
        return ColourHistogram(bins=config.get("bins", 4))

    def get_config(self) -> Dict[str, Any]:
        return dict(bins=self.bins)

    def default_space(self) -> str:
        return "cosine"


def paint(rgb, second=None, size=24) -> np.ndarray:
    """A swatch with a little grain; with a second colour the right half is painted over."""
    grain = np.random.default_rng(sum(rgb)).integers(-8, 9, (size, size, 3))
    swatch = np.clip(np.array(rgb) + grain, 0, 255).astype(np.uint8)
    if second is not None:
        swatch[:, size // 2 :] = second
    return swatch


def main() -> None:
    client = chromadb.EphemeralClient()
    swatches = client.create_collection(
        name="swatches",
        embedding_function=ColourHistogram(),
        data_loader=ImageLoader(max_workers=2),
    )

    # 1. From arrays: embedded, and then forgotten.
    swatches.add(
        ids=["brick", "moss", "navy"],
        images=[paint((180, 50, 40)), paint((60, 120, 50)), paint((25, 40, 140))],
        metadatas=[{"finish": "matt"}, {"finish": "matt"}, {"finish": "gloss"}],
    )

    with tempfile.TemporaryDirectory() as shelf:
        # 2. From files: the data loader opens them, the embedding function sees arrays.
        files = {}
        for name, pixels in {
            "ivory": paint((244, 240, 225)),
            "mustard": paint((225, 190, 60)),
            "maritime": paint((30, 60, 190), second=(245, 245, 245)),
        }.items():
            files[name] = str(Path(shelf, f"{name}.png"))
            Image.fromarray(pixels).save(files[name])
        swatches.add(ids=list(files), uris=list(files.values()), metadatas=[{"finish": "silk"}] * len(files))
        assert swatches.count() == 6

        # 3. Query by picture: a customer's photograph of a wall.
        wall = paint((190, 60, 50), size=40)
        assert swatches.query(query_images=[wall], n_results=1)["ids"] == [["brick"]]

        # 4. Query by URI: the file is loaded and embedded, and so are the hits' own files for "data".
        found = swatches.query(
            query_uris=[files["ivory"]],
            n_results=2,
            where={"finish": "silk"},
            include=["uris", "data", "distances"],
        )
        assert found["ids"][0][0] == "ivory" and found["uris"][0][0] == files["ivory"]
        assert found["data"][0][0].shape == (24, 24, 3)
        assert found["distances"][0][0] < 1e-5

        # 5. Query by words: same space, because the function understands both.
        described = swatches.query(query_texts=["blue and white stripes", "yellow"], n_results=1)
        assert described["ids"] == [["maritime"], ["mustard"]]

        # 6. get() loads too; "uris" shows which records have a file behind them.
        everything = swatches.get(include=["uris", "metadatas"])
        assert sum(uri is None for uri in everything["uris"]) == 3
        only_files = swatches.get(ids=["mustard"], include=["data"])
        assert int(only_files["data"][0][..., 0].mean()) > 215

        # 7. A repainted swatch: update() re-embeds images.
        swatches.update(ids=["moss"], images=[paint((15, 15, 18))], metadatas=[{"finish": "matt", "name": "coal"}])
        assert swatches.query(query_texts=["black"], n_results=1)["ids"] == [["moss"]]

    # Without the loader a collection still answers, but cannot bring data.
    blind = client.get_collection("swatches")
    try:
        blind.get(include=["data"])
    except ValueError as error:
        print("as expected:", str(error).split(" in get")[0])
    else:
        raise AssertionError("no loader, no data")
    print("blue and white:", described["ids"][0][0], "| a red wall:", "brick")


if __name__ == "__main__":
    main()

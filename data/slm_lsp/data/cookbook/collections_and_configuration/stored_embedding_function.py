"""Show how a collection remembers its embedding function, and what happens when another one is passed.

Chroma stores the function's name() and get_config() with the collection, never the code. On opening, the
class registered under that name is built again from the config. The lyrics below are embedded by syllable
patterns: any deterministic function will do to show the mechanics.
"""
import tempfile
import warnings

import chromadb
import numpy as np
from chromadb.utils.embedding_functions import known_embedding_functions, register_embedding_function

VOWELS = "aeiouy"


@register_embedding_function
class RhythmEmbedding(chromadb.EmbeddingFunction):
    def __init__(self, width=8, endings=True):
        self.width = width
        self.endings = endings

    def __call__(self, input):
        vectors = []
        for line in input:
            words = [w.strip(",.!?") for w in line.lower().split()]
            beats = [sum(c in VOWELS for c in word) for word in words][: self.width]
            vector = np.zeros(self.width + 6, dtype=np.float32)
            vector[: len(beats)] = beats
            if self.endings and words and words[-1][-1] in VOWELS:
                vector[self.width + VOWELS.index(words[-1][-1])] = 2.0
            vectors.append(vector)
        return vectors

    # Queries are hummed, not sung: people get the first beats right and trail off.
    def embed_query(self, input):
        fade = np.linspace(1.0, 0.5, self.width + 6, dtype=np.float32)
        return [vector * fade for vector in self(input)]

    @staticmethod
    def name():
        return "lyric-rhythm"

    def get_config(self):
        return {"width": self.width, "endings": self.endings}

    @staticmethod
    def build_from_config(config):
        return RhythmEmbedding(**config)

    def default_space(self):
        return "cosine"  # used when the collection does not say otherwise

    def supported_spaces(self):
        return ["cosine", "l2"]

    def validate_config_update(self, old_config, new_config):
        if old_config["width"] != new_config["width"]:
            raise ValueError("width changes the dimension: build a new collection instead")


@register_embedding_function
class LetterEmbedding(chromadb.EmbeddingFunction):
    def __init__(self):
        pass

    def __call__(self, input):
        return [[text.count(c) + 0.1 for c in "abcdefghijklmn"] for text in input]

    @staticmethod
    def name():
        return "letters"

    def get_config(self):
        return {}

    @staticmethod
    def build_from_config(config):
        return LetterEmbedding()


LINES = {
    "l1": "Row, row, row your boat",
    "l2": "Gently down the stream",
    "l3": "Over the hills and far away",
}


def main():
    assert known_embedding_functions["lyric-rhythm"] is RhythmEmbedding

    with tempfile.TemporaryDirectory() as path:
        with chromadb.PersistentClient(path=path) as client:
            lyrics = client.create_collection("lyrics", embedding_function=RhythmEmbedding(width=6))
            lyrics.add(ids=list(LINES), documents=list(LINES.values()))
            stored = lyrics.configuration_json["embedding_function"]
            assert stored == {"type": "known", "name": "lyric-rhythm", "config": {"width": 6, "endings": True}}
            # Nobody chose a space, so the function's default became the collection's.
            assert lyrics.configuration_json["hnsw"]["space"] == "cosine"
            # The function may sit in the configuration too: one place for everything.
            client.create_collection(
                "refrains",
                configuration={"hnsw": {"space": "l2"}, "embedding_function": RhythmEmbedding(width=4)},
            )

        with chromadb.PersistentClient(path=path) as client:
            # Nothing passed: the stored function is built from its config, width 6 and all.
            lyrics = client.get_collection("lyrics")
            rebuilt = lyrics.configuration["embedding_function"]
            assert isinstance(rebuilt, RhythmEmbedding) and rebuilt.width == 6
            best = lyrics.query(query_texts=["go, go, go on foot"], n_results=1)
            assert best["ids"] == [["l1"]]
            print("hummed:", best["documents"][0][0])
            assert client.get_collection("refrains").configuration["embedding_function"].width == 4

            # Another function under another name: refused, for its vectors would not mean the same.
            for opener in (client.get_collection, client.get_or_create_collection):
                try:
                    opener("lyrics", embedding_function=LetterEmbedding())
                except ValueError as error:
                    assert "lyric-rhythm" in str(error) and "letters" in str(error)
                else:
                    raise AssertionError("a conflicting function should be refused")
            print("conflict refused on get")

            # The same name with another config is NOT noticed on opening; the dimension check catches it late.
            narrow = client.get_collection("lyrics", embedding_function=RhythmEmbedding(width=3))
            try:
                narrow.query(query_texts=["row"])
            except chromadb.errors.InvalidArgumentError as error:
                print("same name, other width:", error)
            else:
                raise AssertionError("12 dimensions expected")

            # Two functions at once, as an argument and in the configuration, must be the same kind.
            try:
                client.create_collection(
                    "mixed",
                    configuration={"embedding_function": RhythmEmbedding()},
                    embedding_function=LetterEmbedding(),
                )
            except ValueError as error:
                assert str(error).startswith("Multiple embedding functions")
            else:
                raise AssertionError("two functions for one collection")

            # The stored config may be updated where the function allows it.
            lyrics.modify(configuration={"embedding_function": RhythmEmbedding(width=6, endings=False)})
            config = client.get_collection("lyrics").configuration_json["embedding_function"]["config"]
            assert config == {"width": 6, "endings": False}
            print("stored config is now", config)

            # With a schema the function belongs to the vector index.
            schema = chromadb.Schema().create_index(
                config=chromadb.VectorIndexConfig(space="l2", embedding_function=LetterEmbedding())
            )
            spelling = client.create_collection(name="spelling", schema=schema)
            assert isinstance(spelling.configuration["embedding_function"], LetterEmbedding)
            spelling.add(ids=["a", "b"], documents=["cabbage", "flagged"])
            found = client.get_or_create_collection(name="spelling", schema=schema)
            assert found.query(query_texts=["cab"], n_results=1)["ids"] == [["a"]]

            # A space the function does not support is a warning, not an error.
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                client.create_collection(
                    "dots", configuration={"hnsw": {"space": "ip"}}, embedding_function=RhythmEmbedding()
                )
            assert any("ip is not supported by lyric-rhythm" in str(w.message) for w in caught)


if __name__ == "__main__":
    main()

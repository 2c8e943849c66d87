"""Test a menu translator's glossary with four stand-ins for its embedding function: scripted, recording, failing, seeded."""

import hashlib
from typing import Callable

import chromadb
import numpy as np
import pytest
from chromadb.api.types import Documents, EmbeddingFunction, Embeddings


# ------------------------------------------------------------------ code under test
class Glossary:
    """Translations of dishes, found by meaning; remembers what it could not find."""

    def __init__(self, collection: chromadb.Collection, cutoff: float = 0.3) -> None:
        self.collection = collection
        self.cutoff = cutoff
        self.missed: list[str] = []

    def teach(self, dish: str, **translations: str) -> None:
        self.collection.upsert(ids=[dish], documents=[dish], metadatas=[translations])

    def translate(self, phrase: str, language: str) -> str | None:
        found = self.collection.query(query_texts=[phrase], n_results=3, include=["metadatas", "distances"])
        for row, distance in zip(found["metadatas"][0], found["distances"][0]):
            if distance <= self.cutoff and language in row:
                return row[language]
        self.missed.append(phrase)
        return None


# ------------------------------------------------------------------ the doubles
class _Double(EmbeddingFunction[Documents]):
    """Shared plumbing: without name/get_config/build_from_config Chroma warns of a legacy function."""

    def __init__(self) -> None:
        self.space = "l2"

    def __call__(self, input: Documents) -> Embeddings:
        raise NotImplementedError

    @classmethod
    def name(cls) -> str:
        return f"double-{cls.__name__.lower()}"

    def get_config(self) -> dict:
        return {}

    @classmethod
    def build_from_config(cls, config: dict) -> "_Double":
        return cls()


class Scripted(_Double):
    """Says exactly which text gets which vector; an unforeseen text is an error of the test."""

    def __init__(self, script: dict[str, list[float]] | None = None) -> None:
        self.script = script or {}

    def __call__(self, input: Documents) -> Embeddings:
        return [self.script[text] for text in input]


class Seeded(_Double):
    """Any text gets a stable pseudo-random unit vector: equal texts meet, unequal ones never do."""

    def __init__(self, width: int = 32) -> None:
        self.width = width

    def __call__(self, input: Documents) -> Embeddings:
        vectors = []
        for text in input:
            seed = int.from_bytes(hashlib.sha1(text.encode()).digest()[:8], "little")
            vector = np.random.default_rng(seed).standard_normal(self.width)
            vectors.append(vector / np.linalg.norm(vector))
        return vectors


class Recording(Seeded):
    def __init__(self, width: int = 32) -> None:
        super().__init__(width)
        self.added: list[list[str]] = []
        self.asked: list[list[str]] = []

    def __call__(self, input: Documents) -> Embeddings:
        self.added.append(list(input))
        return super().__call__(input)

    def embed_query(self, input: Documents) -> Embeddings:
        self.asked.append(list(input))
        return Seeded(self.width)(input)


class Failing(_Double):
    def __init__(self, error: Exception | None = None, after: int = 0) -> None:
        self.error = error or TimeoutError("model did not answer")
        self.left = after

    def __call__(self, input: Documents) -> Embeddings:
        if self.left == 0:
            raise self.error
        self.left -= 1
        return [[1.0, 0.0]] * len(input)


@pytest.fixture
def glossary_with(request) -> Callable[..., Glossary]:
    client = chromadb.EphemeralClient()
    name = "glossary-" + hashlib.md5(request.node.nodeid.encode()).hexdigest()

    def build(double: EmbeddingFunction, cutoff: float = 0.3) -> Glossary:
        return Glossary(client.create_collection(name, embedding_function=double), cutoff)

    yield build
    client.delete_collection(name)
    client.close()


# ------------------------------------------------------------------ tests
def test_the_cutoff_is_inclusive_and_exact(glossary_with):
    # 0.25 = squared l2 distance of 0.5: representable exactly, so the boundary itself can be tested
    glossary = glossary_with(Scripted({"Knödel": [0.0, 0.0], "dumpling": [0.5, 0.0], "soup": [0.51, 0.0]}), cutoff=0.25)
    glossary.teach("Knödel", en="bread dumpling")
    assert glossary.translate("dumpling", "en") == "bread dumpling"
    assert glossary.translate("soup", "en") is None
    assert glossary.missed == ["soup"]


def test_a_nearer_dish_without_that_language_is_skipped(glossary_with):
    glossary = glossary_with(Scripted({"Spätzle": [0.0, 0.1], "Nudeln": [0.0, 0.3], "pasta?": [0.0, 0.0]}))
    glossary.teach("Spätzle", de="Spätzle")
    glossary.teach("Nudeln", de="Nudeln", fr="nouilles")
    assert glossary.translate("pasta?", "fr") == "nouilles"
    assert glossary.translate("pasta?", "de") == "Spätzle"


def test_only_the_dish_is_embedded_never_its_translations(glossary_with):
    recorder = Recording()
    glossary = glossary_with(recorder)
    glossary.teach("Kaiserschmarrn", en="shredded pancake")
    glossary.translate("Kaiserschmarrn", "en")
    assert recorder.added == [["Kaiserschmarrn"]]
    assert recorder.asked == [["Kaiserschmarrn"]]


def test_teaching_twice_replaces_the_translation(glossary_with):
    glossary = glossary_with(Seeded())
    glossary.teach("Tafelspitz", en="boiled beef")
    glossary.teach("Tafelspitz", en="prime boiled beef")
    assert glossary.translate("Tafelspitz", "en") == "prime boiled beef"
    assert glossary.collection.count() == 1


def test_an_empty_glossary_misses_everything(glossary_with):
    glossary = glossary_with(Seeded())
    assert glossary.translate("Sachertorte", "en") is None


def test_a_failure_while_teaching_leaves_no_half_record(glossary_with):
    glossary = glossary_with(Failing())
    with pytest.raises(TimeoutError, match="did not answer"):
        glossary.teach("Apfelstrudel", en="apple strudel")
    assert glossary.collection.count() == 0


def test_a_failure_while_asking_is_not_counted_as_a_miss(glossary_with):
    glossary = glossary_with(Failing(ConnectionError("gone"), after=1))
    glossary.teach("Apfelstrudel", en="apple strudel")
    with pytest.raises(ConnectionError):
        glossary.translate("strudel", "en")
    assert glossary.missed == []


@pytest.mark.parametrize("double", [Seeded(), Recording(width=8)], ids=lambda d: d.name())
def test_the_doubles_are_deterministic(double):
    first, second = double(["Gulasch"]), double(["Gulasch"])
    assert np.array_equal(first, second)
    assert not np.array_equal(first, double(["gulasch"]))


def test_the_doubles_are_no_legacy_functions():
    assert not any(double.is_legacy() for double in (Scripted(), Seeded(), Recording(), Failing()))


if __name__ == "__main__":
    raise SystemExit(pytest.main([__file__, "-q"]))

"""Cache completions per model, temperature and prompt version, so that a new release never serves old answers.

Nearest-by-meaning is only half of a cache key. The other half has to match exactly:
an answer by another model or under an older system prompt is simply another answer.
That half goes into metadata and `where`; deploying a new prompt deletes by `$ne`.
"""

from hashlib import blake2s
from typing import Annotated, Optional

import chromadb
import numpy as np
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, computed_field


class Variant(BaseModel):
    """The exact half of the key."""

    model_config = ConfigDict(frozen=True, protected_namespaces=())

    model: Annotated[str, StringConstraints(pattern=r"^[a-z0-9.-]+$")]
    temperature: float = Field(ge=0, le=2)
    system_prompt: str

    @computed_field
    @property
    def prompt_version(self) -> str:
        # Derived from the text itself: nobody has to remember to bump a number.
        return blake2s(self.system_prompt.encode(), digest_size=5).hexdigest()

    @property
    def cacheable(self) -> bool:
        return self.temperature == 0  # a caller who wants variety must not get a constant

    def where(self) -> dict:
        return {
            "$and": [
                {"model": self.model},
                # floats compare exactly; thousandths as an integer cannot surprise anybody
                {"millitemp": round(self.temperature * 1000)},
                {"prompt_version": self.prompt_version},
            ]
        }

    def metadata(self) -> dict:
        return {
            "model": self.model,
            "millitemp": round(self.temperature * 1000),
            "prompt_version": self.prompt_version,
        }


class Completion(BaseModel):
    text: str
    cached: bool
    distance: Optional[float] = None


def syllabic(texts: list[str], dim: int = 256) -> np.ndarray:
    """Overlapping letter quadruples of the squeezed text; spelling mistakes cost a little, not everything."""
    grid = np.zeros((len(texts), dim), dtype=np.float32)
    for r, text in enumerate(texts):
        squeezed = "".join(c for c in text.casefold() if c.isalpha())
        for i in range(max(len(squeezed) - 3, 1)):
            grid[r, int.from_bytes(blake2s(squeezed[i : i + 4].encode(), digest_size=2).digest(), "big") % dim] += 1
    return grid


class CompletionCache:
    def __init__(self, client: chromadb.ClientAPI, backend, cutoff: float = 0.2) -> None:
        self.entries = client.create_collection(
            name="completions",
            configuration={"hnsw": {"space": "cosine"}},
            embedding_function=None,
            metadata={"owner": "search-team"},
        )
        self.backend = backend
        self.cutoff = cutoff

    def complete(self, prompt: str, variant: Variant) -> Completion:
        if not variant.cacheable:
            return Completion(text=self.backend(prompt, variant), cached=False)
        vector = syllabic([prompt])
        near = self.entries.query(query_embeddings=vector, n_results=1, where=variant.where())
        if near["ids"][0] and near["distances"][0][0] <= self.cutoff:
            return Completion(text=near["documents"][0][0], cached=True, distance=near["distances"][0][0])
        text = self.backend(prompt, variant)
        digest = blake2s(f"{variant.model_dump_json()}|{prompt}".encode(), digest_size=12).hexdigest()
        self.entries.upsert(ids=[digest], embeddings=vector, documents=[text], metadatas=[variant.metadata()])
        return Completion(text=text, cached=False)

    def deploy(self, variant: Variant) -> int:
        """A new system prompt for a model: every answer under another version of it is dropped."""
        outdated = {"$and": [{"model": variant.model}, {"prompt_version": {"$ne": variant.prompt_version}}]}
        return self.entries.delete(where=outdated)["deleted"]

    def retire(self, *models: str) -> int:
        return self.entries.delete(where={"model": {"$in": list(models)}})["deleted"]

    def census(self) -> dict[tuple[str, str], int]:
        table: dict[tuple[str, str], int] = {}
        page = 0
        # Page through: a census must not pull a million rows at once.
        while batch := self.entries.get(limit=2, offset=page, include=["metadatas"])["metadatas"]:
            for m in batch:
                table[m["model"], m["prompt_version"]] = table.get((m["model"], m["prompt_version"]), 0) + 1
            page += len(batch)
        return table


def main() -> None:
    log: list[tuple[str, str]] = []

    def backend(prompt: str, variant: Variant) -> str:
        log.append((variant.model, prompt))
        return f"{variant.model} v{variant.prompt_version[:4]} says #{len(log)}"

    cache = CompletionCache(chromadb.EphemeralClient(), backend)
    formal = Variant(model="lynx-2", temperature=0, system_prompt="You are a formal librarian.")
    other_model = formal.model_copy(update={"model": "otter-1.5"})
    playful = formal.model_copy(update={"temperature": 0.9})

    question = "Which novels of Selma Lagerlof are in the reading room?"
    misspelt = "which novels of Selma Lagerloef are in the readng room"

    fresh = cache.complete(question, formal)
    again = cache.complete(misspelt, formal)
    assert not fresh.cached and again.cached and again.text == fresh.text
    print(f"hit at distance {again.distance:.3f}: {again.text}")

    assert cache.complete(question, other_model).text != fresh.text, "another model is another answer"
    one, two = (cache.complete(question, playful) for _ in range(2))
    assert one.text != two.text and not two.cached, "a warm temperature is never cached"
    assert cache.entries.count() == 2

    cache.complete("When does the reading room close?", formal)
    friendly = formal.model_copy(update={"system_prompt": "You are a friendly librarian."})
    assert friendly.prompt_version != formal.prompt_version
    assert not cache.complete(question, friendly).cached, "no deploy needed for correctness ..."
    print("before deploy:", cache.census())
    assert sum(cache.census().values()) == cache.entries.count() == 4

    # ... it only frees the space of answers that can never be served again.
    assert cache.deploy(friendly) == 2
    assert cache.complete(question, friendly).cached
    assert cache.complete(question, other_model).cached, "the other model was not touched"

    assert cache.retire("otter-1.5", "otter-1.4") == 1
    print("at the end   :", cache.census(), "| backend calls:", len(log))
    assert set(cache.census()) == {("lynx-2", friendly.prompt_version)}


if __name__ == "__main__":
    main()

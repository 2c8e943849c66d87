"""Embed airline reviews through a service that takes four texts per request and sometimes answers 429.

Chroma hands the embedding function the whole add() at once.  Splitting it, pausing, and trying again belongs in the
function, so that no caller ever thinks of it.
"""

from __future__ import annotations

from itertools import count
from typing import Iterator, Sequence

import chromadb
import numpy as np
from chromadb.api.types import Documents, EmbeddingFunction, Embeddings
from tenacity import RetryError, retry_if_exception_type, stop_after_attempt, wait_none


class TooManyRequests(RuntimeError):
    """What the vendor's client raises for HTTP 429."""


class FlakyVendor:
    """A pretend vendor: refuses every third request, and any request with more than `limit` texts."""

    def __init__(self, limit: int = 4) -> None:
        self.limit = limit
        self.requests = count(1)
        self.accepted: list[int] = []

    def encode(self, texts: Sequence[str]) -> list[np.ndarray]:
        number = next(self.requests)
        if len(texts) > self.limit:
            raise ValueError(f"at most {self.limit} inputs per request")
        if number % 3 == 0:
            raise TooManyRequests(f"request {number}: slow down")
        self.accepted.append(len(texts))
        return [self._one(text) for text in texts]

    @staticmethod
    def _one(text: str) -> np.ndarray:
        axes = [("seat", "legroom", "cramped"), ("food", "meal", "tasty"), ("late", "delay", "cancelled"),
                ("crew", "friendly", "rude"), ("bag", "luggage", "suitcase")]
        lowered = text.lower()
        return np.array([sum(lowered.count(word) for word in axis) for axis in axes], dtype=np.float32)


class VendorIsDown(FlakyVendor):
    def encode(self, texts: Sequence[str]) -> list[np.ndarray]:
        raise TooManyRequests("maintenance window")


def chunks(items: Documents, size: int) -> Iterator[Documents]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


class ReviewEmbedder(EmbeddingFunction[Documents]):
    # One vendor per process: connections are not configuration and cannot be serialised.
    vendor = FlakyVendor()

    def __init__(self, batch_size: int = 4) -> None:
        self.batch_size = batch_size

    def __call__(self, input: Documents) -> Embeddings:
        vectors: Embeddings = []
        for chunk in chunks(input, self.batch_size):
            vectors.extend(self.vendor.encode(chunk))
        return vectors

    @staticmethod
    def name() -> str:
        return "vendor-reviews"

    @staticmethod
    def build_from_config(config: dict) -> ReviewEmbedder:
        return ReviewEmbedder(batch_size=int(config["batch_size"]))

    def get_config(self) -> dict:
        return {"batch_size": self.batch_size}

    def validate_config_update(self, old_config: dict, new_config: dict) -> None:
        """The batch size changes no vector: any update is welcome."""


class PatientReviewEmbedder(ReviewEmbedder):
    """Tries each chunk again instead of the whole input, so that one 429 does not repeat the paid part."""

    def __call__(self, input: Documents) -> Embeddings:
        plain = ReviewEmbedder(self.batch_size)
        return [
            vector
            for chunk in chunks(input, self.batch_size)
            for vector in plain.embed_with_retries(
                chunk,
                stop=stop_after_attempt(3),
                wait=wait_none(),  # tenacity.wait_random_exponential(max=20) against a real vendor
                retry=retry_if_exception_type(TooManyRequests),
            )
        ]

    @staticmethod
    def name() -> str:
        return "vendor-reviews-patient"

    @staticmethod
    def build_from_config(config: dict) -> PatientReviewEmbedder:
        return PatientReviewEmbedder(batch_size=int(config["batch_size"]))


REVIEWS = """\
Legroom in seat 31A is a joke, terribly cramped.
The meal was tasty, best food I had in the air.
Two hours late, then cancelled. The delay desk was closed.
Friendly crew, they even found my bag tag.
My suitcase arrived three days after me. Luggage desk unreachable.
Rude crew and cold food.
Seat would not recline, but no delay.
Bag drop took an hour and the plane was late.
Tasty meal, friendly crew, five stars.
Cancelled without notice.""".splitlines()


def main() -> None:
    client = chromadb.EphemeralClient()
    ids = [f"review-{i:03}" for i in range(len(REVIEWS))]

    impatient = client.create_collection("impatient", embedding_function=ReviewEmbedder())
    try:
        impatient.add(ids=ids, documents=REVIEWS)
    except TooManyRequests as error:
        print("without patience:", error)
    else:
        raise AssertionError("the third request should have been refused")
    # Embedding happens before anything is sent to the database, so nothing is half written.
    assert impatient.count() == 0

    patient = client.create_collection("patient", embedding_function=PatientReviewEmbedder())
    patient.add(ids=ids, documents=REVIEWS)
    assert patient.count() == 10
    assert ReviewEmbedder.vendor.accepted == [4, 4, 4, 4, 2]  # two lost to the first attempt

    worst = patient.query(query_texts=["delay, late, cancelled"], n_results=2, include=["documents"])
    assert worst["ids"][0][0] == "review-002", worst
    luggage = patient.query(
        query_texts=["luggage suitcase"],
        n_results=1,
        where_document={"$not_contains": "late"},
        include=["documents", "distances"],
    )
    assert luggage["ids"] == [["review-004"]]

    # The batch size may change in place, it is no property of the vectors.  Too large a one is a programming
    # error: trying again would only repeat it, hence retry_if_exception_type above.
    patient.modify(configuration={"embedding_function": PatientReviewEmbedder(batch_size=9)})
    greedy = client.get_collection("patient")
    assert greedy.configuration["embedding_function"].batch_size == 9
    try:
        greedy.upsert(ids=ids, documents=REVIEWS)
    except ValueError as error:
        print("batch of nine:", error)
    else:
        raise AssertionError("the vendor's limit should have been hit")

    ReviewEmbedder.vendor = VendorIsDown()
    try:
        patient.query(query_texts=["anyone there?"])
    except RetryError as error:
        print("gave up after", error.last_attempt.attempt_number, "attempts")
        assert error.last_attempt.attempt_number == 3
    else:
        raise AssertionError("a dead vendor cannot answer")


if __name__ == "__main__":
    main()

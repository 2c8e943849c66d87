"""Rebuild a job-board index beside the live one and swap the two by renaming, so that search never goes dark.

    jobs          what the site queries
    jobs--next    being built
    jobs--old     the previous one, kept until the new one has proved itself

A collection's id survives a rename, so queries that hold the old handle finish on the old data.
"""

import time

import chromadb
from chromadb.errors import NotFoundError

LIVE, NEXT, OLD = "jobs", "jobs--next", "jobs--old"


class SkillEmbedding(chromadb.EmbeddingFunction[chromadb.Documents]):
    """Counts of known skills. A new release of the vocabulary is a new embedding, hence a rebuild."""

    def __init__(self, skills):
        self.skills = list(skills)

    def __call__(self, input):
        vectors = []
        for advert in input:
            tokens = advert.lower().replace(",", " ").split()
            vectors.append([float(tokens.count(skill)) for skill in self.skills] + [1.0])
        return vectors

    @staticmethod
    def name():
        return "skill-counts"

    def get_config(self):
        return {"skills": self.skills}

    @staticmethod
    def build_from_config(config):
        return SkillEmbedding(config["skills"])


class JobIndex:
    def __init__(self, client):
        self.client = client

    def _open(self, name):
        try:
            # No embedding_function: the stored one, with its stored vocabulary, is what fits the vectors.
            return self.client.get_collection(name)
        except NotFoundError:
            return None

    @property
    def live(self):
        return self._open(LIVE)

    def build(self, adverts, skills, release):
        """Fill jobs--next from scratch. A half-built one from a crashed run is thrown away first."""
        if self._open(NEXT):
            self.client.delete_collection(NEXT)
        fresh = self.client.create_collection(
            NEXT,
            embedding_function=SkillEmbedding(skills),
            metadata={"release": release, "expected": len(adverts)},
        )
        fresh.add(ids=list(adverts), documents=list(adverts.values()))
        return fresh

    def verify(self, smoke_queries):
        """Problems of jobs--next, as sentences; none means it may go live."""
        candidate = self._open(NEXT)
        problems = []
        if candidate.count() != candidate.metadata["expected"]:
            problems.append(f"{candidate.count()} records instead of {candidate.metadata['expected']}")
        for text, wanted in smoke_queries.items():
            best = candidate.query(query_texts=[text], n_results=1)["ids"][0]
            if best != [wanted]:
                problems.append(f"{text!r} found {best} instead of {wanted!r}")
        return problems

    def swap(self):
        """Two renames. Between them `jobs` is missing for a moment: callers retry once, see search()."""
        if self._open(OLD):
            self.client.delete_collection(OLD)
        if current := self.live:
            current.modify(name=OLD)
        self._open(NEXT).modify(name=LIVE)

    def roll_back(self):
        self.live.modify(name=NEXT)
        self._open(OLD).modify(name=LIVE)

    def search(self, text, n=2):
        collection = self.live
        if collection is None:  # perhaps in the middle of a swap
            time.sleep(0.05)
            collection = self.live
        if collection is None:
            raise LookupError("no live index")
        return collection.query(query_texts=[text], n_results=n)["ids"][0]


MONDAY = {
    "j1": "Data engineer, python sql airflow",
    "j2": "Embedded developer, c rust",
    "j3": "Analyst, sql excel",
}
TUESDAY = {**MONDAY, "j4": "Search engineer, python rust vectors", "j5": "ML engineer, python sql vectors vectors"}


def main():
    index = JobIndex(chromadb.EphemeralClient())
    skills = ["python", "sql", "c", "rust"]

    index.build(MONDAY, skills, release="2024-05-06")
    assert index.verify({"python sql": "j1"}) == []
    index.swap()
    assert index.search("rust c")[0] == "j2"
    in_flight = index.live  # a request that started on Monday's index

    # Tuesday's first attempt forgot the new skill: verification keeps it from going live.
    index.build(TUESDAY, skills, release="2024-05-07")
    problems = index.verify({"vectors": "j5"})
    print("not swapped:", problems)
    assert problems and index.live.metadata["release"] == "2024-05-06"

    index.build(TUESDAY, skills + ["vectors"], release="2024-05-07")
    assert index.verify({"vectors vectors python": "j5", "sql excel": "j3"}) == []
    index.swap()
    assert index.live.metadata["release"] == "2024-05-07" and index.live.count() == 5
    assert index.live.configuration["embedding_function"].skills[-1] == "vectors"
    print("live:", index.live.metadata, "->", index.search("python vectors"))

    # The old handle still answers, with the old vocabulary of four skills.
    assert in_flight.query(query_texts=["rust c"], n_results=1)["ids"] == [["j2"]]
    assert len(in_flight.peek(1)["embeddings"][0]) == 5

    index.roll_back()
    assert index.live.count() == 3 and index.live.id == in_flight.id
    index.swap()
    assert sorted(c.name for c in index.client.list_collections()) == [LIVE, OLD]
    print("collections:", sorted(c.name for c in index.client.list_collections()))


if __name__ == "__main__":
    main()

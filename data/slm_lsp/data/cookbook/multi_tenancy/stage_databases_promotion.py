"""Use one database per stage (dev, staging, prod) of a news recommender and promote collections between them.

A stage is only a database of the same tenant, so code does not change between stages: the client does.
"""
import contextlib

import chromadb
from chromadb.config import DEFAULT_TENANT
from chromadb.errors import NotFoundError

STAGES = ["dev", "staging", "prod"]
PAGE = 50


class TopicMix(chromadb.EmbeddingFunction):
    """Shares of four topics, by keyword lists. Bump `version` when the lists change."""

    TOPICS = {
        "politics": {"election", "minister", "vote", "parliament"},
        "sport": {"goal", "match", "coach", "league"},
        "science": {"telescope", "virus", "study", "orbit"},
        "culture": {"opera", "novel", "museum", "film"},
    }

    def __init__(self, version=1):
        self.version = version

    def __call__(self, input):
        rows = []
        for text in input:
            words = set(text.lower().split())
            hits = [len(words & keywords) for keywords in self.TOPICS.values()]
            rows.append([0.05 + hit for hit in hits])
        return rows

    @staticmethod
    def name():
        return "topic-mix"

    def get_config(self):
        return {"version": self.version}

    @staticmethod
    def build_from_config(config):
        return TopicMix(config["version"])


class Stages:
    def __init__(self):
        root = chromadb.EphemeralClient()
        self.admin = chromadb.AdminClient(settings=root.get_settings())
        existing = {d["name"] for d in self.admin.list_databases()}  # tenant: the default one
        for stage in STAGES:
            if stage not in existing:
                self.admin.create_database(name=stage)

    def client(self, stage):
        return chromadb.EphemeralClient(tenant=DEFAULT_TENANT, database=stage)

    def promote(self, name, source, target):
        """Copy a collection one stage up under a temporary name, then put it in place of the old one."""
        if STAGES.index(target) != STAGES.index(source) + 1:
            raise ValueError(f"{source} -> {target}: one stage at a time")
        origin = self.client(source).get_collection(name)
        goal = self.client(target)
        incoming = f"{name}.incoming"
        with contextlib.suppress(NotFoundError):
            goal.delete_collection(incoming)

        copy = goal.create_collection(
            incoming,
            # Everything that makes the vectors comparable comes along.
            configuration={
                "hnsw": {"space": origin.configuration["hnsw"]["space"]},
                "embedding_function": origin.configuration["embedding_function"],
            },
            metadata={**(origin.metadata or {}), "promoted_from": source},
        )
        for offset in range(0, origin.count(), PAGE):
            page = origin.get(limit=PAGE, offset=offset, include=["embeddings", "documents", "metadatas"])
            copy.add(**{key: page[key] for key in ("ids", "embeddings", "documents", "metadatas")})
        if copy.count() != origin.count():
            raise RuntimeError("the source changed while it was copied")

        with contextlib.suppress(NotFoundError):
            goal.delete_collection(name)
        copy.modify(name=name)
        return copy


def main():
    stages = Stages()
    dev = stages.client("dev")
    news = dev.create_collection(
        "news",
        metadata={"build": 17},
        configuration={"hnsw": {"space": "cosine"}, "embedding_function": TopicMix(version=2)},
    )
    stories = [
        f"{subject} {verb}" for subject in ("election", "match", "telescope", "opera", "virus", "coach")
        for verb in ("surprises everyone", "draws a crowd", "ends early", "starts late")
    ] * 3
    news.add(
        ids=[f"n{i:03d}" for i in range(len(stories))],
        documents=stories,
        metadatas=[{"position": i} for i in range(len(stories))],
    )

    # Stages do not see each other.
    assert [stages.client(stage).count_collections() for stage in STAGES] == [1, 0, 0]
    with contextlib.suppress(NotFoundError):
        stages.client("prod").get_collection("news")
        raise AssertionError("nothing is in production yet")
    try:
        stages.promote("news", "dev", "prod")
    except ValueError as error:
        print("refused:", error)
    else:
        raise AssertionError("promoted past staging")

    staged = stages.promote("news", "dev", "staging")
    assert staged.count() == 72 and staged.database == "staging"
    news.delete(where={"position": {"$gte": 10}})  # life in dev goes on
    live = stages.promote("news", "staging", "prod")
    assert live.count() == 72 and news.count() == 10

    # Production knows its function without being told.
    prod = stages.client("prod").get_collection("news")
    assert prod.configuration["embedding_function"].version == 2
    assert prod.metadata == {"build": 17, "promoted_from": "staging"}
    top = prod.query(query_texts=["a new telescope in orbit"], n_results=3, include=["documents"])
    assert all(text.startswith(("telescope", "virus")) for text in top["documents"][0])
    print("prod answers:", top["documents"][0][0])

    # Promote again: the old collection is replaced, not mixed into.
    stages.promote("news", "dev", "staging")
    assert stages.client("staging").get_collection("news").count() == 10
    assert stages.client("staging").count_collections() == 1

    names = [database["name"] for database in stages.admin.list_databases(limit=10, offset=0)]
    assert set(STAGES) <= set(names)
    first_two = stages.admin.list_databases(limit=2)
    assert len(first_two) == 2 and len(stages.admin.list_databases(limit=2, offset=2)) == len(names) - 2

    # A reviewer looks at one stage after another with a single client.
    reviewer = stages.client("dev")
    seen = {}
    for stage in STAGES:
        reviewer.set_database(database=stage)
        seen[stage] = reviewer.get_collection(name="news").count()
    assert seen == {"dev": 10, "staging": 10, "prod": 72}

    # Tearing a stage down takes its collections along.
    stages.admin.delete_database(name="staging", tenant=DEFAULT_TENANT)
    try:
        stages.admin.get_database(name="staging", tenant=DEFAULT_TENANT)
    except NotFoundError as error:
        print("torn down:", error)
    else:
        raise AssertionError("staging survived")
    assert stages.client("prod").get_collection("news").count() == 72


if __name__ == "__main__":
    main()

"""Explore a film archive in memory and see what two ephemeral clients of one process share.

An EphemeralClient is the quickest way to try something out: no folder, no server, and everything is
gone when the process ends. What surprises people is that "ephemeral" does not mean "private": every
EphemeralClient of a process talks to the same in-memory system. This script shows the sharing, and
the two ways of getting a clean slate: a database of one's own, and `reset()`.
"""

import math

import chromadb
from chromadb.config import DEFAULT_DATABASE, DEFAULT_TENANT, Settings

# Three hand-made axes are enough for a toy archive: how dark, how fast, how funny a film is (0..1).
FILMS = {
    "metropolis": ("Metropolis", 1927, "Fritz Lang", (0.8, 0.4, 0.1)),
    "general": ("The General", 1926, "Buster Keaton", (0.1, 0.9, 0.9)),
    "nosferatu": ("Nosferatu", 1922, "F. W. Murnau", (1.0, 0.2, 0.0)),
    "sunrise": ("Sunrise", 1927, "F. W. Murnau", (0.5, 0.3, 0.2)),
    "gold-rush": ("The Gold Rush", 1925, "Charlie Chaplin", (0.2, 0.6, 1.0)),
}


def in_memory_client(database=DEFAULT_DATABASE):
    """All ephemeral clients of a process must agree on their settings, so build them in one place."""
    settings = Settings(allow_reset=True, anonymized_telemetry=False)
    return chromadb.EphemeralClient(settings=settings, tenant=DEFAULT_TENANT, database=database)


def load(client):
    archive = client.create_collection(
        name="films",
        metadata={"curator": "M. Ortega", "era": "silent"},
        configuration={"hnsw": {"space": "l2"}},
        embedding_function=None,  # the vectors are ours
    )
    archive.add(
        ids=list(FILMS),
        embeddings=[list(mood) for *_, mood in FILMS.values()],
        documents=[title for title, *_ in FILMS.values()],
        metadatas=[{"year": year, "director": who} for _, year, who, _ in FILMS.values()],
    )
    return archive


def recommend(archive, mood, n=2, director=None):
    """Titles nearest to a mood, with their Euclidean distance."""
    hits = archive.query(
        query_embeddings=[mood],
        n_results=n,
        where={"director": director} if director else None,
        include=["documents", "distances"],
    )
    # The "l2" space reports squared distances.
    return [
        (title, math.sqrt(max(squared, 0.0)))
        for title, squared in zip(hits["documents"][0], hits["distances"][0])
    ]


def main():
    client = in_memory_client()
    client.reset()
    archive = load(client)
    assert client.get_user_identity().databases == ["default_database"]
    assert client.heartbeat() > 0 and client.get_version().count(".") == 2
    print(f"Chroma {client.get_version()}, {archive.count()} films")

    funny = recommend(archive, [0.0, 0.7, 1.0])
    assert [title for title, _ in funny] == ["The Gold Rush", "The General"]
    for title, distance in funny:
        print(f"  {title:<14} {distance:.3f}")
    assert recommend(archive, [0.0, 0.7, 1.0], n=1, director="F. W. Murnau")[0][0] == "Sunrise"

    # A second client is a second door into the same room ...
    neighbour = in_memory_client()
    same = neighbour.get_collection(name="films", embedding_function=None)
    same.delete(where_document={"$contains": "Sunrise"})
    assert archive.count() == len(FILMS) - 1
    print("a second client deleted Sunrise, and the first one sees it")

    # ... unless it opens another database.
    admin = chromadb.AdminClient(settings=client.get_settings())
    admin.create_database(name="restoration_lab")
    lab = in_memory_client(database="restoration_lab")
    assert lab.database == "restoration_lab" and lab.count_collections() == 0
    load(lab)
    assert lab.get_collection("films", embedding_function=None).count() == len(FILMS)
    assert archive.count() == len(FILMS) - 1
    print("the lab's database holds its own 'films'")

    # A client can also walk over. Collections opened before stay where they were opened.
    neighbour.set_database(database="restoration_lab")
    assert neighbour.get_collection(name="films", embedding_function=None).count() == len(FILMS)
    assert same.count() == len(FILMS) - 1
    neighbour.set_tenant(tenant=DEFAULT_TENANT, database=DEFAULT_DATABASE)

    # reset() wipes every database of the system, hence the explicit allow_reset above.
    assert client.reset() is True
    assert client.count_collections() == 0
    print("after reset():", client.list_collections())


if __name__ == "__main__":
    main()

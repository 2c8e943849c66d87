"""Collapse agency stories that several newspapers reprint, with MinHash bands kept as metadata arrays.

Locality-sensitive hashing needs an inverted index from band to story.  Array metadata with `$contains` is
one: no second datastore, and a story's own bucket is found by a filter instead of by a vector search.
The vectors then serve what they are good at, a topical search whose hits are collapsed by story.
"""
import hashlib
import random
import struct

import chromadb

HASHES, BANDS = 48, 16
ROWS = HASHES // BANDS
MASK = (1 << 32) - 1
_rng = random.Random(7)
COEFFICIENTS = [(_rng.randrange(1, MASK, 2), _rng.randrange(MASK)) for _ in range(HASHES)]

ARTICLES = [
    ("guardpost", "Ferry operators suspended all crossings to the northern islands on Tuesday after gale "
                  "force winds brought down power lines and closed two harbours, officials said"),
    ("morningstar", "STORM: Ferry operators suspended all crossings to the northern islands on Tuesday after "
                    "gale force winds brought down power lines and closed two harbours, officials said"),
    ("citypaper", "Ferry operators suspended all crossings to the northern islands on Tuesday after gale "
                  "force winds brought down power lines and closed two harbours, a spokesman said"),
    ("guardpost", "The central bank held its key rate at three percent, pointing to slower wage growth and "
                  "a fall in energy prices over the winter"),
    ("ledger", "The central bank held its key rate at three percent, pointing to slower wage growth and a "
               "fall in energy prices over the winter months"),
    ("citypaper", "Harbour workers voted for a strike over winter shifts; ferry traffic to the islands may "
                  "be reduced from next week"),
]


def shingles(text, k=3):
    w = "".join(c if c.isalnum() else " " for c in text.lower()).split()
    return {" ".join(w[i:i + k]) for i in range(len(w) - k + 1)}


def minhash(text):
    base = [struct.unpack("<I", hashlib.sha1(s.encode()).digest()[:4])[0] for s in shingles(text)]
    return [min((a * x + b) & MASK for x in base) for a, b in COEFFICIENTS]


def band_keys(sig):
    # Python's hash() of integers does not depend on PYTHONHASHSEED (that of strings does): safe to store.
    return [f"{b}:{hash(tuple(sig[b * ROWS:(b + 1) * ROWS])) & MASK:08x}" for b in range(BANDS)]


def similarity(sig_a, sig_b):
    """The share of equal minima estimates the Jaccard similarity of the shingle sets."""
    return sum(x == y for x, y in zip(sig_a, sig_b)) / HASHES


def topic_vector(text):
    vec = [0.0] * 128
    for word in "".join(c if c.isalpha() else " " for c in text.lower()).split():
        if len(word) > 3:
            vec[hashlib.sha1(word[:6].encode()).digest()[0] % 128] += 1.0
    return vec


def ingest(wire, outlet, text, number):
    sig = minhash(text)
    keys = band_keys(sig)
    bucket = wire.get(where={"$or": [{"bands": {"$contains": k}} for k in keys]}, include=["metadatas"])
    # A shared band is only a hint; the full signature decides.
    twins = [m for m in bucket["metadatas"] if similarity(m["signature"], sig) >= 0.5]
    story = twins[0]["story"] if twins else f"story-{number:03d}"
    wire.add(
        ids=f"{story}/{outlet}",
        embeddings=topic_vector(text),
        documents=text,
        metadatas={"story": story, "outlet": outlet, "bands": keys, "signature": sig, "original": not twins},
    )
    return story


def search(wire, question, n=3, outlet=None):
    """The n best stories, each once, however many papers printed it."""
    result = wire.query(
        query_embeddings=[topic_vector(question)],
        n_results=n * 4,                       # ask for more than needed: reprints crowd the top
        where={"outlet": outlet} if outlet else None,
        include=["metadatas", "documents", "distances"],
    )
    stories = {}
    for meta, text, distance in zip(result["metadatas"][0], result["documents"][0], result["distances"][0]):
        entry = stories.setdefault(meta["story"], {"text": text, "distance": distance, "outlets": []})
        entry["outlets"].append(meta["outlet"])
    return dict(list(stories.items())[:n])


def main():
    wire = chromadb.EphemeralClient().create_collection("wire", configuration={"hnsw": {"space": "cosine"}})
    assigned = [ingest(wire, outlet, text, n) for n, (outlet, text) in enumerate(ARTICLES)]
    assert assigned == ["story-000"] * 3 + ["story-003"] * 2 + ["story-005"], assigned

    originals = wire.get(where={"original": True}, include=["documents"])
    assert sorted(originals["ids"]) == ["story-000/guardpost", "story-003/guardpost", "story-005/citypaper"]

    top = search(wire, "ferry crossings to the islands", n=2)
    assert list(top) == ["story-000", "story-005"]
    assert sorted(top["story-000"]["outlets"]) == ["citypaper", "guardpost", "morningstar"]

    # Only what one paper printed: the filter applies before the neighbours are taken.
    local = search(wire, "ferry crossings to the islands", outlet="citypaper")
    assert {o for s in local.values() for o in s["outlets"]} == {"citypaper"}

    # House-keeping: reprints older than the original are worth nothing to the archive.
    dropped = wire.delete(where={"$and": [{"original": {"$ne": True}}, {"story": "story-000"}]})
    assert dropped["deleted"] == 2 and wire.count() == 4
    for story, hit in top.items():
        print(f"{story} x{len(hit['outlets'])}  {hit['text'][:60]}...")


if __name__ == "__main__":
    main()

"""Ask a tractor manual extracted from a PDF and get answers with page numbers and the pages around them.

Text extraction gives one string per page, separated by form feeds, with the same
header and footer on every page, words hyphenated at line ends and sentences that
run over the page break.  All four have to be dealt with before anything is embedded.
"""

from __future__ import annotations

import collections
import re
import sys

import chromadb
import numpy as np

EXTRACTED = "\f".join(
    [
        "KESTREL 90 OPERATOR MANUAL\nBefore starting the engine check the oil level with the\ndipstick. Use only oil of grade 10W-30.\nKestrel Works - page 1",
        "KESTREL 90 OPERATOR MANUAL\nTo start in cold weather turn the key to the glow posi-\ntion and wait until the lamp goes out. Then turn the key\nKestrel Works - page 2",
        "KESTREL 90 OPERATOR MANUAL\nfully and release it. Never crank for more than ten seconds.\nKestrel Works - page 3",
        "KESTREL 90 OPERATOR MANUAL\nThe power take-off runs at 540 revolutions. Disen-\ngage it before leaving the seat.\nKestrel Works - page 4",
        "KESTREL 90 OPERATOR MANUAL\nTyre pressure on the road is 1.6 bar in front and 1.2 bar\nbehind. Lower it for soft soil.\nKestrel Works - page 5",
        "KESTREL 90 OPERATOR MANUAL\nChange the hydraulic filter every 500 hours. Grease the\nfront axle every 50 hours.\nKestrel Works - page 6",
    ]
)


def strip_running_lines(pages: list[str]) -> list[str]:
    """Drop the lines that stand on most pages once their digits are ignored."""

    def shape(line: str) -> str:
        return re.sub(r"\d+", "#", line.strip())

    seen = collections.Counter(shape(line) for page in pages for line in set(page.splitlines()))
    return [
        "\n".join(line for line in page.splitlines() if seen[shape(line)] <= len(pages) // 2) for page in pages
    ]


def sentences_with_pages(pages: list[str]) -> list[tuple[str, int, int]]:
    """Join the pages, remembering for each character which page it came from."""
    text, owner = "", []
    for number, page in enumerate(pages, start=1):
        page = re.sub(r"(\w)-\n(\w)", r"\1\2", page)  # posi-\ntion -> position
        page = page.replace("\n", " ").strip() + " "
        text += page
        owner += [number] * len(page)
    found = []
    for match in re.finditer(r"\S.*?[.](?=\s)", text):
        found.append((match.group(), owner[match.start()], owner[match.end() - 1]))
    return found


RNG_DIM = 128
_word_vectors: dict[str, np.ndarray] = {}


def word_vector(stem: str) -> np.ndarray:
    """A random but reproducible direction for every stem (random indexing)."""
    if stem not in _word_vectors:
        seed = int.from_bytes(stem.encode()[:8].ljust(8, b"\0"), "little")
        _word_vectors[stem] = np.random.default_rng(seed).standard_normal(RNG_DIM)
    return _word_vectors[stem]


def sentence_vector(text: str) -> list[float]:
    stems = [w[:5] for w in re.findall(r"[a-z0-9.]*[a-z0-9]", text.lower()) if len(w) > 2]
    return sum((word_vector(s) for s in stems), np.full(RNG_DIM, 1e-3)).tolist()


def index_manual(collection: chromadb.Collection, text: str) -> int:
    rows = sentences_with_pages(strip_running_lines(text.split("\f")))
    collection.add(
        ids=[f"s{n:04d}" for n in range(len(rows))],
        embeddings=[sentence_vector(sentence) for sentence, _, _ in rows],
        documents=[sentence for sentence, _, _ in rows],
        metadatas=[
            {"order": n, "first_page": first, "last_page": last, "spans_break": first != last}
            for n, (_, first, last) in enumerate(rows)
        ],
    )
    return len(rows)


def ask(collection: chromadb.Collection, question: str) -> dict:
    hit = collection.query(query_embeddings=[sentence_vector(question)], n_results=1)
    meta = hit["metadatas"][0][0]
    first, last = meta["first_page"], meta["last_page"]
    # The sentence before and the one after, whatever page they are on: a reader wants the context.
    around = collection.get(
        where={"$and": [{"order": {"$gte": meta["order"] - 1}}, {"order": {"$lte": meta["order"] + 1}}]}
    )
    context = [doc for _, doc in sorted(zip((m["order"] for m in around["metadatas"]), around["documents"]))]
    return {
        "answer": hit["documents"][0][0],
        "pages": f"p. {first}" if first == last else f"pp. {first}-{last}",
        "context": " ".join(context),
    }


def page_text(collection: chromadb.Collection, number: int) -> list[str]:
    """Everything that touches a page, including the sentence that began on the page before."""
    on_page = {"$and": [{"first_page": {"$lte": number}}, {"last_page": {"$gte": number}}]}
    return collection.get(where=on_page, include=["documents"])["documents"]


def main() -> int:
    client = chromadb.EphemeralClient()
    manual = client.create_collection(
        name="kestrel-90-manual",
        metadata={"title": "Kestrel 90 operator manual", "pages": EXTRACTED.count("\f") + 1},
        configuration={"hnsw": {"space": "cosine"}},
    )
    total = index_manual(manual, EXTRACTED)

    # Header and footer are gone from every stored sentence, hyphens at line ends too.
    assert not manual.get(where_document={"$or": [{"$contains": "KESTREL"}, {"$contains": "Kestrel Works"}]})["ids"]
    assert len(manual.get(where_document={"$contains": "glow position"})["ids"]) == 1

    for question, expected_page in [
        ("What tyre pressure do I need on the road?", "p. 5"),
        ("How often should I change the hydraulic filter?", "p. 6"),
        ("Which grade of oil?", "p. 1"),
        ("turn the key fully and release", "pp. 2-3"),
    ]:
        reply = ask(manual, question)
        print(f"{question}\n   {reply['answer']}  ({reply['pages']})")
        assert reply["pages"] == expected_page, reply

    broken = manual.get(where={"spans_break": True})
    assert broken["documents"] == ["Then turn the key fully and release it."]
    assert "Never crank" in ask(manual, "turn the key fully and release")["context"]
    assert broken["documents"][0] in page_text(manual, 2) and broken["documents"][0] in page_text(manual, 3)
    print(f"{total} sentences on {manual.metadata['pages']} pages")
    return 0


if __name__ == "__main__":
    sys.exit(main())

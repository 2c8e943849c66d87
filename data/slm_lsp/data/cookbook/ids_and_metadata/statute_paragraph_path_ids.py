"""Path-like ids for the paragraphs of statutes: parents, neighbours, whole articles, moved sections.

An id such as ``civil-code/art-0012/par-002`` says where the paragraph stands.  Chromadb does not look
inside ids, so each part of the path is stored as metadata as well; the id serves exact look-ups and
neighbours, the metadata serves everything with "all of".
"""

from typing import Iterable, Iterator, NamedTuple

import chromadb
import numpy as np


class Path(NamedTuple):
    code: str
    article: int
    paragraph: int

    def __str__(self) -> str:
        # Zero-padded, so that the alphabetical order of the ids is the order of the law.
        return f"{self.code}/art-{self.article:04d}/par-{self.paragraph:03d}"

    @classmethod
    def parse(cls, text: str) -> "Path":
        try:
            code, article, paragraph = text.split("/")
            return cls(code, int(article.removeprefix("art-")), int(paragraph.removeprefix("par-")))
        except ValueError:
            raise ValueError(f"not a paragraph: {text!r}") from None

    def metadata(self, **more) -> dict:
        return {"code": self.code, "article": self.article, "paragraph": self.paragraph, **more}


STATUTES = {
    "civil-code": """
        1 Every person has legal capacity from birth. | The unborn child is protected.
        2 Adulthood begins at eighteen.
        12 A lease needs no form. | A lease of more than one year is made in writing. | Otherwise it runs for an indefinite time.
        13 The landlord keeps the dwelling in repair.
    """,
    "road-code": """
        1 Everyone behaves so that nobody is harmed. | Nobody is obstructed more than is needed.
        12 A bell is part of every bicycle.
    """,
}


def letters(text: str) -> np.ndarray:
    """Share of each letter; enough to tell paragraphs apart in a small demonstration."""
    codes = np.frombuffer(text.lower().encode("ascii"), dtype=np.uint8)
    counts = np.bincount(codes[(codes >= 97) & (codes <= 122)] - 97, minlength=26)
    return (counts / counts.sum()).astype(np.float32)


def parse_statutes() -> Iterator[tuple[Path, str]]:
    for code, body in STATUTES.items():
        for line in filter(None, map(str.strip, body.splitlines())):
            number, _, text = line.partition(" ")
            for paragraph, sentence in enumerate(text.split(" | "), start=1):
                yield Path(code, int(number), paragraph), sentence


def store(law: chromadb.Collection, rows: Iterable[tuple[Path, str]]) -> None:
    paths, texts = zip(*rows)
    law.add(
        ids=[str(path) for path in paths],
        documents=list(texts),
        embeddings=[letters(text) for text in texts],
        metadatas=[path.metadata(length=len(text)) for path, text in zip(paths, texts)],
    )


def article(law: chromadb.Collection, code: str, number: int) -> list[str]:
    """All paragraphs of an article, in order."""
    found = law.get(where={"$and": [{"code": code}, {"article": number}]}, include=["documents"])
    return [text for _, text in sorted(zip(found["ids"], found["documents"]))]


def with_context(law: chromadb.Collection, hit: str, width: int = 1) -> str:
    """A hit and its neighbours.  Their ids can be computed; those that do not exist are left out."""
    path = Path.parse(hit)
    around = range(max(1, path.paragraph - width), path.paragraph + width + 1)
    found = law.get(ids=[str(path._replace(paragraph=n)) for n in around], include=["documents"])
    return " ".join(text for _, text in sorted(zip(found["ids"], found["documents"])))


def renumber(law: chromadb.Collection, code: str, old: int, new: int) -> int:
    """Move an article to another number: new ids, same vectors; the old records go."""
    rows = law.get(
        where={"$and": [{"code": code}, {"article": old}]},
        include=["documents", "metadatas", "embeddings"],
    )
    if not rows["ids"]:
        return 0
    moved = [Path.parse(row_id)._replace(article=new) for row_id in rows["ids"]]
    if law.get(ids=[str(path) for path in moved], include=[])["ids"]:
        raise ValueError(f"article {new} is taken")
    law.add(
        ids=[str(path) for path in moved],
        documents=rows["documents"],
        embeddings=rows["embeddings"],
        metadatas=[{**facts, "article": new, "was": old} for facts in rows["metadatas"]],
    )
    law.delete(ids=rows["ids"])
    return len(moved)


def main() -> None:
    law = chromadb.EphemeralClient().create_collection("statutes", embedding_function=None)
    store(law, parse_statutes())
    assert law.count() == 10

    # One paragraph by its place: no filter, no search.
    lease = Path("civil-code", 12, 2)
    assert law.get(ids=str(lease))["documents"] == ["A lease of more than one year is made in writing."]
    assert Path.parse(str(lease)) == lease

    assert len(article(law, "civil-code", 12)) == 3 and len(article(law, "road-code", 12)) == 1
    # An id is compared whole: a prefix finds nothing, which is why the parts are metadata too.
    assert law.get(ids=["civil-code/art-0012"])["ids"] == []
    early = law.get(where={"$and": [{"code": "civil-code"}, {"article": {"$lte": 2}}]}, include=[])
    assert len(early["ids"]) == 3

    # Padding makes text order the right order; without it, art-12 would come before art-2.
    ordered = sorted(law.get(where={"code": "civil-code"}, include=[])["ids"])
    assert [Path.parse(row).article for row in ordered] == [1, 1, 2, 12, 12, 12, 13]

    # Search within one code, then show the hit in its context.
    question = letters("a lease for more than a year in writing")
    hit = law.query(query_embeddings=[question], n_results=1, where={"code": "civil-code"}, include=[])["ids"][0][0]
    assert hit == str(lease)
    context = with_context(law, hit)
    assert context.startswith("A lease needs no form.") and context.endswith("indefinite time.")
    assert with_context(law, str(Path("road-code", 12, 1))) == "A bell is part of every bicycle."

    try:
        renumber(law, "civil-code", 12, 13)
    except ValueError as error:
        print(error)
    else:
        raise AssertionError("article 13 was overwritten")
    assert renumber(law, "civil-code", 12, 40) == 3 and renumber(law, "civil-code", 12, 41) == 0
    assert law.count() == 10 and len(article(law, "civil-code", 40)) == 3
    assert len(law.get(where={"was": 12}, include=[])["ids"]) == 3

    # Repealing a whole article, or a whole code, is a delete by metadata.
    assert law.delete(where={"$and": [{"code": "civil-code"}, {"article": 40}]}) == {"deleted": 3}
    assert law.delete(where={"code": "road-code"})["deleted"] == 3
    assert law.count() == 4

    for bad in ("civil-code", "civil-code/art-x/par-1", "a/b/c/d"):
        try:
            Path.parse(bad)
        except ValueError:
            continue
        raise AssertionError(bad)
    print(context)


if __name__ == "__main__":
    main()

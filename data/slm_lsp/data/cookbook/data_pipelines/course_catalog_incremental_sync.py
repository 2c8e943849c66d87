"""Synchronise a university's course catalogue (JSON Lines) with Chroma: embed only what changed, delete what is gone.

Each record stores two hashes: one of the text that is embedded, one of its metadata.  A changed room number therefore
costs a metadata update, and only a changed description costs an embedding.
"""
from __future__ import annotations

import hashlib
import json
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import chromadb
from chromadb import Documents, EmbeddingFunction, Embeddings


class CountingEmbedder(EmbeddingFunction[Documents]):
    """Suffix-stripped word hashing.  Counts the texts it has embedded: that is what a paid API would bill."""

    def __init__(self, dim: int = 128) -> None:
        self.dim = dim
        self.billed = 0

    def __call__(self, input: Documents) -> Embeddings:
        self.billed += len(input)
        return [self._one(text) for text in input]

    def embed_query(self, input: Documents) -> Embeddings:
        return [self._one(text) for text in input]      # questions are on the house

    def _one(self, text: str) -> list[float]:
        v = [0.0] * self.dim
        for word in text.lower().replace(".", " ").replace(",", " ").split():
            for ending in ("ing", "ion", "s"):
                word = word.removesuffix(ending)
            v[int(hashlib.blake2s(word.encode()).hexdigest(), 16) % self.dim] += 1.0 if len(word) > 3 else 0.1
        return v

    @staticmethod
    def name() -> str:
        return "counting_embedder"

    def get_config(self) -> dict:
        return {"dim": self.dim}

    @staticmethod
    def build_from_config(config: dict) -> "CountingEmbedder":
        return CountingEmbedder(config["dim"])


@dataclass
class Plan:
    create: list[str] = field(default_factory=list)
    reembed: list[str] = field(default_factory=list)
    relabel: list[str] = field(default_factory=list)
    remove: list[str] = field(default_factory=list)
    same: int = 0

    def __bool__(self) -> bool:
        return bool(self.create or self.reembed or self.relabel or self.remove)

    def __str__(self) -> str:
        return f"+{len(self.create)} ~{len(self.reembed)} meta {len(self.relabel)} -{len(self.remove)} ={self.same}"


def fingerprint(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:20]


@dataclass
class Course:
    code: str
    text: str
    meta: dict

    @classmethod
    def from_json(cls, line: str) -> "Course":
        raw = json.loads(line)
        facts = {"credits": raw["credits"], "room": raw["room"], "lecturer": raw["lecturer"], "term": raw["term"]}
        text = f"{raw['title']}. {raw['description']}"
        hashes = {"text_hash": fingerprint(text), "meta_hash": fingerprint(facts)}
        return cls(raw["code"], text, facts | hashes)


class CatalogSync:
    def __init__(self, collection: chromadb.Collection, page: int = 500, max_delete_share: float = 0.5) -> None:
        self.collection = collection
        self.page = page
        self.max_delete_share = max_delete_share

    def stored(self) -> dict[str, dict]:
        known, offset = {}, 0
        while True:
            rows = self.collection.get(limit=self.page, offset=offset, include=["metadatas"])
            known.update(zip(rows["ids"], rows["metadatas"]))
            if len(rows["ids"]) < self.page:
                return known
            offset += self.page

    def plan(self, courses: dict[str, Course]) -> Plan:
        plan, known = Plan(), self.stored()
        for code, course in courses.items():
            old = known.get(code)
            if old is None:
                plan.create.append(code)
            elif old["text_hash"] != course.meta["text_hash"]:
                plan.reembed.append(code)
            elif old["meta_hash"] != course.meta["meta_hash"]:
                plan.relabel.append(code)
            else:
                plan.same += 1
        plan.remove = [code for code in known if code not in courses]
        # An export cut short looks like a mass deletion.  Better to stop than to empty the index.
        if known and len(plan.remove) > self.max_delete_share * len(known):
            raise RuntimeError(f"refusing to delete {len(plan.remove)} of {len(known)} courses")
        return plan

    def apply(self, plan: Plan, courses: dict[str, Course]) -> None:
        if plan.create:
            self.collection.add(
                ids=plan.create,
                documents=[courses[c].text for c in plan.create],
                metadatas=[courses[c].meta for c in plan.create],
            )
        if plan.reembed:
            self.collection.update(        # documents without embeddings: the embedding function is called
                ids=plan.reembed,
                documents=[courses[c].text for c in plan.reembed],
                metadatas=[courses[c].meta for c in plan.reembed],
            )
        if plan.relabel:
            self.collection.update(ids=plan.relabel, metadatas=[courses[c].meta for c in plan.relabel])
        if plan.remove:
            self.collection.delete(ids=plan.remove)

    def run(self, path: Path, dry_run: bool = False) -> Plan:
        with path.open(encoding="utf-8") as lines:
            courses = {c.code: c for c in map(Course.from_json, filter(str.strip, lines))}
        plan = self.plan(courses)
        if not dry_run:
            self.apply(plan, courses)
        return plan


def write(path: Path, rows: list[dict]) -> None:
    path.write_text("\n".join(json.dumps(r) for r in rows) + "\n", encoding="utf-8")


def course(code: str, title: str, description: str, room: str = "A1", lecturer: str = "Ito", credits: int = 5, term: str = "fall") -> dict:
    return dict(code=code, title=title, description=description, room=room, lecturer=lecturer, credits=credits, term=term)


def main() -> None:
    rows = [
        course("PHY101", "Mechanics", "Forces, motion and energy for beginners."),
        course("PHY210", "Thermodynamics", "Heat, entropy and engines.", room="B3"),
        course("BIO120", "Genetics", "Genes, inheritance and mutation.", lecturer="Okafor"),
        course("HIS330", "Industrial Revolution", "Steam engines, factories and cities.", term="spring"),
    ]
    with tempfile.TemporaryDirectory() as tmp:
        export = Path(tmp) / "courses.jsonl"
        embedder = CountingEmbedder()
        with chromadb.PersistentClient(path=tmp) as client:
            catalog = client.get_or_create_collection(
                "courses", configuration={"hnsw": {"space": "cosine"}}, embedding_function=embedder
            )
            sync = CatalogSync(catalog, page=2)

            write(export, rows)
            first = sync.run(export)
            assert len(first.create) == 4 and embedder.billed == 4
            assert not sync.run(export) and embedder.billed == 4, "the second run finds nothing to do"

            rows[1]["room"] = "C9"
            rows[2]["description"] = "Genes, inheritance, mutation and gene editing."
            del rows[0]
            rows.append(course("CHE140", "Electrochemistry", "Batteries and corrosion.", credits=10))
            write(export, rows)
            preview = sync.run(export, dry_run=True)
            assert str(preview) == "+1 ~1 meta 1 -1 =1" and catalog.count() == 4, "a dry run writes nothing"
            sync.run(export)
            assert embedder.billed == 6, "one changed, one new: two embeddings, the new room was free"
            assert catalog.get(ids=["PHY210"])["metadatas"][0]["room"] == "C9"
            assert catalog.get(ids=["PHY101"])["ids"] == []

            top = catalog.query(query_texts=["engines running on steam"], n_results=2, where={"credits": {"$lt": 10}})
            assert top["ids"][0][0] == "HIS330" and "CHE140" not in top["ids"][0]

            write(export, rows[:1])
            try:
                sync.run(export)
            except RuntimeError as error:
                print("stopped:", error)
            assert catalog.count() == 4, "a truncated export must not empty the catalogue"
            print(preview, "| embeddings paid for:", embedder.billed)


if __name__ == "__main__":
    main()

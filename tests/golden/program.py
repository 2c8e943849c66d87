"""Keeps a shelf of notes in ChromaDB and finds the ones that matter."""

import chromadb


class NoteShelf:
    def __init__(self, path: str, name: str = "notes") -> None:
        self.client = chromadb.PersistentClient(path=path)
        self.collection = self.client.get_or_create_collection(name=name, metadata={"hnsw:space": "cosine"})

    def add_note(self, note_id: str, text: str, vector: list[float]) -> None:
        self.collection.add(ids=[note_id], documents=[text], embeddings=[vector])

    def find_notes(self, vector: list[float], count: int = 5) -> list[str]:
        result = self.collection.query(query_embeddings=[vector], n_results=count, include=["documents"])
        return result["documents"][0]

    def forget_note(self, note_id: str) -> None:
        self.collection.delete(ids=[note_id])

    def count_notes(self) -> int:
        return self.collection.count()


def main() -> None:
    shelf = NoteShelf("./shelf")
    shelf.add_note("first", "water the plants", [0.1, 0.2, 0.3])
    shelf.add_note("second", "call the bank", [0.3, 0.1, 0.0])
    for note in shelf.find_notes([0.1, 0.2, 0.2], count=1):
        print(note)
    print(shelf.count_notes())


if __name__ == "__main__":
    main()

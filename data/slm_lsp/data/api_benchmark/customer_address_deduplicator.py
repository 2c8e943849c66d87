"""Find and merge duplicate customer addresses: batched neighbour queries over character shingles, union-find, survivors kept."""
import sys
import unicodedata
from itertools import islice

import numpy as np

import chromadb
from chromadb.api.types import GetResult, QueryResult
from chromadb.errors import InvalidArgumentError

ABBREVIATIONS = {"str": "strasse", "pl": "platz", "st": "sankt", "nr": "", "dr": "doktor"}
THRESHOLD = 0.12

ADDRESSES = """\
1001;Meier, Jürgen;Hauptstr. 12, 8010 Graz;2019
1002;Meier Juergen;Hauptstrasse 12, 8010 Graz;2023
1003;Novak, Eva;Am Bach 3, 4020 Linz;2020
1004;Novak, Eva;Am Bach Nr. 3, 4020 Linz;2021
1005;Novak, Iva;Seeweg 30, 6900 Bregenz;2021
1006;Huber, Dr. Karl;Domplatz 1, 5020 Salzburg;2018
1007;Huber, Doktor Karl;Dompl. 1, 5020 Salzburg;2017
1008;Huber Karl Dr.;Domplatz 1, 5020 Salzburg;2024
1009;Fuchs, Lea;Ring 99, 1010 Wien;2022"""


def normalise(text):
    text = text.replace("ü", "ue").replace("ö", "oe").replace("ä", "ae").replace("ß", "ss").lower()
    text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    words = "".join(c if c.isalnum() else " " for c in text).split()
    expanded = []
    for word in words:
        for short, long in ABBREVIATIONS.items():
            if word == short or (short in ("str", "pl") and word.endswith(short)):
                word = word[: len(word) - len(short)] + long
        expanded.append(word)
    return " ".join(sorted(filter(None, expanded)))


def shingles(text, width=3, buckets=700):
    """Word-wise trigrams in a fixed number of buckets; a polynomial hash, so that runs agree with each other."""
    vector = np.zeros(buckets, dtype=np.float32)
    for word in normalise(text).split():
        padded = f"^{word}$"
        for i in range(max(1, len(padded) - width + 1)):
            code = 0
            for ch in padded[i : i + width]:
                code = (code * 131 + ord(ch)) % 1_000_003
            vector[code % buckets] += 1
    return vector / np.linalg.norm(vector)


def parse(lines):
    for line in lines.splitlines():
        number, name, address, year = line.split(";")
        yield number, f"{name}; {address}", {"last_order": int(year), "postcode": address.split(",")[1].split()[0]}


def chunks(iterable, size):
    iterator = iter(iterable)
    while chunk := list(islice(iterator, size)):
        yield chunk


class Groups(dict):
    """Union-find over customer numbers."""

    def find(self, x):
        while self.setdefault(x, x) != x:
            x = self[x]
        return x

    def union(self, a, b):
        self[self.find(a)] = self.find(b)


def load(collection, rows, batch=4):
    for part in chunks(rows, batch):
        numbers, texts, metadatas = zip(*part)
        collection.add(
            ids=list(numbers),
            documents=list(texts),
            metadatas=list(metadatas),
            embeddings=[shingles(t) for t in texts],
        )


def duplicates(collection, batch=4):
    groups = Groups()
    for offset in range(0, collection.count(), batch):
        page: GetResult = collection.get(limit=batch, offset=offset, include=["embeddings"])
        near: QueryResult = collection.query(
            query_embeddings=page["embeddings"],
            n_results=4,
            include=["distances"],
        )
        for me, others, distances in zip(page["ids"], near["ids"], near["distances"]):
            groups.find(me)
            for other, distance in zip(others, distances):
                if other != me and distance < THRESHOLD:
                    groups.union(me, other)
    clusters = {}
    for number in list(groups):
        clusters.setdefault(groups.find(number), []).append(number)
    return sorted(sorted(c) for c in clusters.values() if len(c) > 1)


def merge(collection, cluster):
    """The customer who ordered last survives, and remembers the numbers that were merged into it."""
    rows = collection.get(ids=cluster, include=["metadatas"])
    keep, *drop = [
        number for _, number in sorted(zip((m["last_order"] for m in rows["metadatas"]), rows["ids"]), reverse=True)
    ]
    collection.update(ids=[keep], metadatas=[{"merged": sorted(drop)}])
    collection.delete(ids=drop)
    return keep


def main():
    client = chromadb.EphemeralClient()
    customers = client.create_collection(
        name="customers", configuration={"hnsw": {"space": "cosine"}}, embedding_function=None
    )
    load(customers, parse(ADDRESSES))

    found = duplicates(customers)
    print("duplicates:", found)
    assert found == [["1001", "1002"], ["1003", "1004"], ["1006", "1007", "1008"]]
    kept = [merge(customers, cluster) for cluster in found]
    assert kept == ["1002", "1004", "1008"] and customers.count() == 5
    assert duplicates(customers) == []

    # Somebody calls with an old number: who is that now?
    now = customers.get(where={"merged": {"$contains": "1007"}}, include=["documents"])
    assert now["ids"] == ["1008"]

    # Before a new customer is created, the clerk is warned.
    entry = "Fuchs Lea; Ring 99, 1010 Wien"
    warned = customers.query(query_embeddings=shingles(entry), n_results=1, where={"postcode": "1010"})
    assert warned["ids"] == [["1009"]] and warned["distances"][0][0] < THRESHOLD
    try:
        customers.query(query_embeddings=shingles(entry, buckets=64), n_results=1)
    except InvalidArgumentError as error:
        print("wrong settings noticed:", error, file=sys.stderr)
    else:
        raise SystemExit("vectors of another width must be refused")


if __name__ == "__main__":
    main()

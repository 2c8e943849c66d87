"""Build a furniture catalogue from photos and texts - one collection per modality - and search both with rank fusion.

Distances of two embedding spaces cannot be compared, ranks can: reciprocal rank fusion (RRF) merges the two result
lists.  Both collections share ids, so a product found by its picture is shown with its description.
"""
import collections
import dataclasses
import zlib

import chromadb
import numpy as np


@dataclasses.dataclass(frozen=True)
class Product:
    sku: str
    title: str
    text: str
    materials: tuple
    price: float
    colour: tuple       # the dominant colour of the product photo
    legs: int           # stands in for what the photo shows of the shape


PRODUCTS = [
    Product("LAMP-1", "Reading lamp", "slim brass floor lamp for the reading corner", ("brass",), 129.0, (200, 160, 60), 1),
    Product("CHAIR-1", "Wing chair", "cosy wing chair in moss green wool for reading", ("wool", "oak"), 690.0, (70, 100, 50), 4),
    Product("CHAIR-2", "Stacking chair", "light stacking chair made of red plastic", ("plastic",), 39.0, (200, 30, 30), 4),
    Product("STOOL-1", "Milking stool", "three-legged oak stool, oiled", ("oak",), 85.0, (160, 120, 70), 3),
    Product("TABLE-1", "Dining table", "solid oak dining table for eight", ("oak",), 1250.0, (165, 125, 75), 4),
    Product("SOFA-1", "Velvet sofa", "three-seat sofa in green velvet", ("velvet", "beech"), 1490.0, (60, 110, 60), 4),
    Product("SHELF-1", "String shelf", "white wall shelf with steel ladders", ("steel", "ash"), 240.0, (235, 235, 230), 0),
]


def photo(product, size=24):
    """Draws a product on white: a body in its colour and its legs below."""
    rng = np.random.default_rng(zlib.crc32(product.sku.encode()))
    img = np.full((size, size, 3), 255.0)
    img[4:14, 3:21] = product.colour
    for leg in np.linspace(4, 19, product.legs).astype(int) if product.legs else []:
        img[14:22, leg:leg + 2] = product.colour
    return np.clip(img + rng.normal(0, 4, img.shape), 0, 255)


def embed_image(img):
    """Mean colour of what is not background, and the silhouette in coarse rows and columns."""
    solid = img.mean(axis=2) < 230
    mask = solid if solid.any() else np.ones_like(solid)
    colour = img[mask].mean(axis=0) / 255
    rows = solid.reshape(6, 4, -1).mean(axis=(1, 2))
    cols = solid[14:22].reshape(8, 12, 2).mean(axis=(0, 2))
    return np.concatenate([colour * 3, rows, cols]).astype(np.float32)


def embed_text(text, dim=256):
    vec = np.zeros(dim, np.float32)
    for word in text.lower().replace("-", " ").replace(",", " ").split():
        if len(word) > 2:
            vec[zlib.crc32(word.encode()) % dim] += 1
            vec[zlib.crc32(word[:4].encode()) % dim] += 0.5
    return vec


class Catalogue:
    def __init__(self, client):
        self.texts = client.get_or_create_collection("furniture.text", configuration={"hnsw": {"space": "cosine"}})
        self.images = client.get_or_create_collection("furniture.image", configuration={"hnsw": {"space": "l2"}})

    def load(self, products):
        skus = [p.sku for p in products]
        # The same filterable facts on both sides: a filter must not depend on the modality that is searched.
        facts = [
            {"title": p.title, "materials": list(p.materials), "price": p.price, "kind": p.sku.split("-")[0].lower()}
            for p in products
        ]
        self.texts.upsert(
            ids=skus, metadatas=facts, documents=[p.text for p in products],
            embeddings=np.stack([embed_text(f"{p.title} {p.text}") for p in products]),
        )
        self.images.upsert(
            ids=skus, metadatas=facts, uris=[f"s3://furniture/{p.sku}.jpg" for p in products],
            embeddings=np.stack([embed_image(photo(p)) for p in products]),
        )

    def missing(self):
        """Products that exist in one modality only (a load was interrupted, a photo is not there yet)."""
        t, i = (set(c.get(include=[])["ids"]) for c in (self.texts, self.images))
        return {"no text": sorted(i - t), "no photo": sorted(t - i)}

    def search(self, text=None, img=None, n=3, where=None, weights=(1.0, 1.0), k=60):
        """RRF: a result at rank r of a list contributes weight / (k + r)."""
        rankings = []
        if text is not None:
            found = self.texts.query(query_embeddings=[embed_text(text)], n_results=n * 3, where=where, include=[])
            rankings.append((weights[0], found["ids"][0]))
        if img is not None:
            found = self.images.query(query_embeddings=[embed_image(img)], n_results=n * 3, where=where, include=[])
            rankings.append((weights[1], found["ids"][0]))
        if not rankings:
            raise ValueError("give a text, a picture or both")
        fused = collections.defaultdict(float)
        for weight, ids in rankings:
            for rank, sku in enumerate(ids, start=1):
                fused[sku] += weight / (k + rank)
        best = sorted(fused, key=lambda s: (-fused[s], s))[:n]
        return self.cards(best)

    def cards(self, skus):
        """get() answers in its own order, not in that of `ids`: put the rows back into ours."""
        text = self.texts.get(ids=skus, include=["documents", "metadatas"])
        uri = self.images.get(ids=skus, include=["uris"])
        uri_of = dict(zip(uri["ids"], uri["uris"]))
        by_sku = {i: (d, m) for i, d, m in zip(text["ids"], text["documents"], text["metadatas"])}
        return [{"sku": s, "title": by_sku[s][1]["title"], "text": by_sku[s][0], "photo": uri_of.get(s)} for s in skus if s in by_sku]

    def matching_set(self, sku, budget):
        """Other kinds of furniture that look alike, cheapest wins within the budget."""
        me = self.images.get(ids=[sku], include=["embeddings", "metadatas"])
        alike = self.images.query(
            query_embeddings=me["embeddings"], n_results=4,
            where={"$and": [{"kind": {"$ne": me["metadatas"][0]["kind"]}}, {"price": {"$lte": budget}}]},
        )
        return alike["ids"][0]


def main():
    shop = Catalogue(chromadb.EphemeralClient())
    shop.load(PRODUCTS)
    assert shop.missing() == {"no text": [], "no photo": []}

    def skus(cards):
        return [c["sku"] for c in cards]

    assert skus(shop.search(text="somewhere cosy for reading"))[0] == "CHAIR-1"
    # A customer's snapshot: something green on four legs.
    snapshot = photo(Product("", "", "", (), 0, (64, 104, 56), 4))
    assert set(skus(shop.search(img=snapshot, n=2))) == {"CHAIR-1", "SOFA-1"}
    both = shop.search(text="sofa with three seats", img=snapshot)
    assert both[0]["sku"] == "SOFA-1" and both[0]["photo"] == "s3://furniture/SOFA-1.jpg"

    oak = shop.search(text="furniture", img=snapshot, where={"materials": {"$contains": "oak"}})
    assert set(skus(oak)) == {"CHAIR-1", "STOOL-1", "TABLE-1"}
    # Weights shift the balance between the modalities.
    red = photo(Product("", "", "", (), 0, (205, 35, 30), 4))
    assert skus(shop.search(text="dining table", img=red, weights=(2.0, 0.5)))[0] == "TABLE-1"
    assert skus(shop.search(text="dining table", img=red, weights=(0.2, 2.0)))[0] == "CHAIR-2"

    assert shop.matching_set("TABLE-1", budget=100)[0] == "STOOL-1"
    shop.images.delete(ids=["LAMP-1"])
    assert shop.missing()["no photo"] == ["LAMP-1"]
    assert shop.search(text="brass lamp", n=1)[0]["photo"] is None, "no photo, but still found by its words"
    print("for the snapshot and 'sofa with three seats':", [c["title"] for c in both])


if __name__ == "__main__":
    main()

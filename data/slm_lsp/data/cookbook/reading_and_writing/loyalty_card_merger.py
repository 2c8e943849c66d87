"""Merge duplicate loyalty-card customers: read both, write one with upsert(), delete the other.

A shop chain finds that C-3 and C-8 are one person.  The merged profile keeps the sum of the
purchases, and must not keep facts of the old profile that are no longer true.  upsert() merges
metadata key by key, so old keys survive unless they are named; the two ways out are both shown.
"""
import chromadb
import numpy as np

AISLES = ("bakery", "garden", "pets", "toys", "wine")


def basket_vector(purchases):
    """Shares of the spending per aisle."""
    amounts = np.array([purchases.get(aisle, 0.0) for aisle in AISLES])
    total = amounts.sum()
    return (amounts / total if total else np.full(len(AISLES), 1 / len(AISLES))).tolist()


def profile(name, purchases, **extra):
    facts = {"name": name, "spent": round(sum(purchases.values()), 2)}
    facts.update({f"spent_{aisle}": amount for aisle, amount in purchases.items()})
    return facts | extra


def purchases_of(facts):
    return {aisle: facts[f"spent_{aisle}"] for aisle in AISLES if f"spent_{aisle}" in facts}


def enrol(customers, card, name, purchases, **extra):
    customers.upsert(
        ids=[card],
        embeddings=[basket_vector(purchases)],
        metadatas=[profile(name, purchases, **extra)],
        documents=[f"{name} buys {', '.join(sorted(purchases))}"],
    )


def merged_profile(keep, drop):
    together = purchases_of(keep)
    for aisle, amount in purchases_of(drop).items():
        together[aisle] = round(together.get(aisle, 0.0) + amount, 2)
    facts = profile(keep["name"], together, merged_from=drop["card"])
    if keep.get("newsletter") and drop.get("newsletter"):  # consent must come from both
        facts["newsletter"] = True
    return facts, together


def merge_by_naming_stale_keys(customers, keep_id, drop_id):
    """One write, one delete.  Keys to lose are set to None in the upsert."""
    found = customers.get(ids=[keep_id, drop_id], include=["metadatas"])
    by_card = {card: facts | {"card": card} for card, facts in zip(found["ids"], found["metadatas"])}
    if len(by_card) < 2:
        raise LookupError(f"both cards must exist, found {sorted(by_card)}")
    old = dict(by_card[keep_id])
    old.pop("card")
    facts, together = merged_profile(by_card[keep_id], by_card[drop_id])
    stale = dict.fromkeys(old.keys() - facts.keys())  # {key: None, ...}
    # Write first, delete second: after a crash in between there is a duplicate, not a loss.
    customers.upsert(
        ids=[keep_id],
        embeddings=[basket_vector(together)],
        metadatas=[facts | stale],
        documents=[f"{facts['name']} buys {', '.join(sorted(together))}"],
    )
    customers.delete(ids=[drop_id])


def replace_completely(customers, card, facts, vector, text):
    """Delete and add: nothing of the old record survives, but for a moment it is not there."""
    customers.delete(ids=[card])
    customers.add(ids=[card], embeddings=[vector], metadatas=[facts], documents=[text])


def main():
    client = chromadb.EphemeralClient()
    customers = client.create_collection("loyalty_cards", configuration={"hnsw": {"space": "l2"}})
    enrol(customers, "C-3", "Pat Quist", {"wine": 120.5, "bakery": 14.0}, newsletter=True, birthday="05-17")
    enrol(customers, "C-5", "Lou Ames", {"pets": 88.0})
    enrol(customers, "C-8", "P. Quist", {"garden": 61.0, "wine": 30.0})

    # The trap, on a card of its own: a plain upsert leaves the old keys in place.
    enrol(customers, "C-9", "Trial", {"toys": 5.0})
    enrol(customers, "C-9", "Trial", {"wine": 7.0})
    trial = customers.get(ids="C-9")["metadatas"][0]
    assert trial["spent_toys"] == 5.0 and trial["spent_wine"] == 7.0 and trial["spent"] == 7.0

    replace_completely(
        customers, "C-9", profile("Trial", {"wine": 7.0}), basket_vector({"wine": 7.0}), "Trial buys wine"
    )
    assert "spent_toys" not in customers.get(ids="C-9")["metadatas"][0]

    merge_by_naming_stale_keys(customers, keep_id="C-3", drop_id="C-8")
    assert customers.count() == 3
    assert customers.get(ids=["C-8"])["ids"] == []
    after = customers.get(ids=["C-3"], include=["metadatas", "documents", "embeddings"])
    facts = after["metadatas"][0]
    assert facts == {
        "name": "Pat Quist",
        "spent": 225.5,
        "spent_bakery": 14.0,
        "spent_garden": 61.0,
        "spent_wine": 150.5,
        "merged_from": "C-8",
    }, facts  # newsletter and birthday are gone: one was not agreed to twice, one was not carried over
    assert after["documents"] == ["Pat Quist buys bakery, garden, wine"]
    assert np.isclose(after["embeddings"][0].sum(), 1.0)

    try:
        merge_by_naming_stale_keys(customers, keep_id="C-3", drop_id="C-8")
    except LookupError as twice:
        print("second merge:", twice)
    else:
        raise AssertionError("C-8 is gone, the merge cannot be repeated")

    gardener = customers.query(query_embeddings=basket_vector({"garden": 1, "wine": 2}), n_results=1)
    assert gardener["ids"] == [["C-3"]]
    print(gardener["documents"][0][0], "-", gardener["metadatas"][0][0]["spent"], "EUR")


if __name__ == "__main__":
    main()

"""Withdraw coupons without losing them: soft deletion, expiry, and filters for missing keys.

A withdrawn coupon must vanish from search at once but stay for the accounts, and an expired one must
vanish without anybody touching it.  Both are metadata, and both raise the same question: what does a
filter say about records that do not have the key?
"""
import chromadb

DAY = 86_400
NOW = 1_717_200_000  # a fixed clock keeps the program's answers the same every day


def live(now):
    """Not withdrawn and not expired.

    ``withdrawn`` is only written on withdrawal: $ne True also holds for records without the key.
    ``expires`` is always written, with a date far away for coupons that never expire, because a
    record without the key is in no range at all.
    """
    return {"$and": [{"withdrawn": {"$ne": True}}, {"expires": {"$gt": now}}]}


FAR_AWAY = 2**40  # some thirty thousand years


class CouponBook:
    def __init__(self, client, clock=lambda: NOW):
        self.coupons = client.get_or_create_collection("coupons", embedding_function=None)
        self.clock = clock

    def issue(self, code, text, taste, days=None):
        expires = FAR_AWAY if days is None else self.clock() + days * DAY
        self.coupons.add(
            ids=[code],
            documents=[text],
            embeddings=[taste],
            metadatas=[{"issued": self.clock(), "expires": expires}],
        )

    def find(self, taste, n=3):
        answer = self.coupons.query(
            query_embeddings=[taste], n_results=n, where=live(self.clock()), include=["documents"]
        )
        return answer["ids"][0]

    def live_codes(self):
        return set(self.coupons.get(where=live(self.clock()), include=[])["ids"])

    def withdraw(self, code, reason):
        self.coupons.update(
            ids=[code],
            metadatas=[{"withdrawn": True, "withdrawn_at": self.clock(), "reason": reason}],
        )

    def restore(self, code):
        # None takes keys away again; the record is as if it had never been withdrawn.
        self.coupons.update(ids=[code], metadatas=[dict.fromkeys(["withdrawn", "withdrawn_at", "reason"])])

    def withdrawn_since(self, moment):
        found = self.coupons.get(where={"withdrawn_at": {"$gte": moment}}, include=["metadatas"])
        return {code: facts["reason"] for code, facts in zip(found["ids"], found["metadatas"])}

    def expiring(self, within_days):
        now = self.clock()
        soon = [{"expires": {"$gt": now}}, {"expires": {"$lte": now + within_days * DAY}}]
        return self.coupons.get(where={"$and": [*soon, {"withdrawn": {"$ne": True}}]}, include=[])["ids"]

    def purge(self, keep_days, batch=100):
        """Really delete what has been dead for long enough, a batch at a time."""
        horizon = self.clock() - keep_days * DAY
        dead = {"$or": [{"withdrawn_at": {"$lt": horizon}}, {"expires": {"$lt": horizon}}]}
        purged = 0
        while deleted := self.coupons.delete(where=dead, limit=batch)["deleted"]:
            purged += deleted
        return purged


def records_with(collection, key):
    """chromadb has no $exists.  For a numeric key, an open range on both sides will do ..."""
    return set(collection.get(where={"$or": [{key: {"$gte": 0}}, {key: {"$lt": 0}}]}, include=[])["ids"])


def records_without(collection, key):
    """... and the rest lacks it."""
    return set(collection.get(include=[])["ids"]) - records_with(collection, key)


def main():
    now = [NOW]
    book = CouponBook(chromadb.EphemeralClient(), clock=lambda: now[0])
    book.issue("ESPRESSO10", "ten percent off any espresso", [1.0, 0.0])
    book.issue("CAKE2", "two slices for one", [0.1, 1.0], days=3)
    book.issue("FLATWHITE", "free flat white on Fridays", [0.9, 0.1], days=60)
    book.issue("SCONE", "a scone with every pot of tea", [0.3, 0.8], days=90)

    coffee = [1.0, 0.1]
    assert book.find(coffee) == ["ESPRESSO10", "FLATWHITE", "SCONE"]
    assert book.expiring(within_days=7) == ["CAKE2"]

    book.withdraw("FLATWHITE", reason="milk prices")
    assert book.live_codes() == {"ESPRESSO10", "CAKE2", "SCONE"}
    assert "FLATWHITE" not in book.find(coffee)
    assert book.coupons.count() == 4, "it is still there for the accounts"
    assert book.withdrawn_since(NOW - DAY) == {"FLATWHITE": "milk prices"}

    # Stored False and no key at all behave differently under $eq, alike under $ne.
    book.coupons.update(ids=["SCONE"], metadatas=[{"withdrawn": False}])
    assert book.coupons.get(where={"withdrawn": False}, include=[])["ids"] == ["SCONE"]
    assert book.live_codes() == {"ESPRESSO10", "CAKE2", "SCONE"}

    assert records_with(book.coupons, "withdrawn_at") == {"FLATWHITE"}
    assert records_without(book.coupons, "withdrawn_at") == {"ESPRESSO10", "CAKE2", "SCONE"}

    book.restore("FLATWHITE")
    assert "FLATWHITE" in book.live_codes()
    assert set(book.coupons.get(ids="FLATWHITE")["metadatas"][0]) == {"issued", "expires"}

    # Time passes; nobody touches the records.
    now[0] += 4 * DAY
    assert book.live_codes() == {"ESPRESSO10", "FLATWHITE", "SCONE"}
    book.withdraw("SCONE", reason="baker on holiday")
    now[0] += 400 * DAY
    assert book.live_codes() == {"ESPRESSO10"}
    assert book.purge(keep_days=365, batch=1) == 2, "the cake that expired, the scone that was withdrawn"
    assert sorted(book.coupons.get(include=[])["ids"]) == ["ESPRESSO10", "FLATWHITE"]

    print("live:", ", ".join(sorted(book.live_codes())))
    print("kept for the accounts:", sorted(set(book.coupons.get()["ids"]) - book.live_codes()))


if __name__ == "__main__":
    main()

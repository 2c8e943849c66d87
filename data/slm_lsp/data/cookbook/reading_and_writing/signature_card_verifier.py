"""Compare signatures on cheques with a bank's signature cards, one customer at a time.

Signatures are small black-and-white bitmaps.  Cards are added as images, a cheque is compared by
query_images restricted with ids= to the cards of the account, and a doubtful cheque goes to a clerk.
"""
import sys
from enum import Enum

import numpy
from chromadb import EphemeralClient
from chromadb.api.types import EmbeddingFunction, Embeddings, Images

ACCEPT_BELOW = 0.06
REFUSE_ABOVE = 0.25


class Verdict(Enum):
    ACCEPT = "accept"
    CLERK = "show to a clerk"
    REFUSE = "refuse"


class InkProfile(EmbeddingFunction[Images]):
    "Share of ink per row and per column, smoothed so that a shift by a pixel matters little."

    def __init__(self, width=5):
        self.width = width

    def __call__(self, input: Images) -> Embeddings:
        window = numpy.ones(self.width) / self.width
        profiles = []
        for bitmap in input:
            ink = numpy.asarray(bitmap) > 0
            rows, columns = ink.mean(axis=1), ink.mean(axis=0)
            profiles.append(
                numpy.concatenate(
                    [numpy.convolve(rows, window, "same"), numpy.convolve(columns, window, "same")]
                ).astype(numpy.float32)
            )
        return profiles

    @staticmethod
    def name():
        return "ink_profile"

    def get_config(self):
        return {"width": self.width}

    @staticmethod
    def build_from_config(config):
        return InkProfile(width=config["width"])


def sign(hand, wobble=0.0, seed=0):
    """Draw somebody's signature: loops whose shape depends on the hand, with some wobble."""
    loops, slant, height = hand
    rng = numpy.random.default_rng(seed)
    bitmap = numpy.zeros((24, 64), dtype=numpy.int64)
    for t in numpy.linspace(0, 1, 400):
        x = 6 + 50 * t + slant * numpy.sin(2 * numpy.pi * loops * t)
        y = 12 + height * numpy.cos(2 * numpy.pi * loops * t) * (1 - 0.5 * t)
        x, y = x + rng.normal(0, wobble), y + rng.normal(0, wobble)
        bitmap[int(numpy.clip(y, 0, 23)), int(numpy.clip(x, 0, 63))] = 1
    return bitmap


class SignatureDesk:
    def __init__(self, client):
        self.cards = client.create_collection(
            "signature_cards",
            metadata={"branch": "Pier Street"},
            configuration={"hnsw": {"space": "cosine"}},
            embedding_function=InkProfile(),
        )

    def register(self, account, *bitmaps):
        """Cards of an account are numbered: 4711/0, 4711/1 ..."""
        start = len(self.cards_of(account))
        ids = [f"{account}/{number}" for number in range(start, start + len(bitmaps))]
        self.cards.add(ids=ids, images=list(bitmaps), metadatas=[{"account": account, "valid": True} for _ in ids])
        return ids

    def cards_of(self, account):
        return self.cards.get(where={"$and": [{"account": account}, {"valid": True}]}, include=[])["ids"]

    def check(self, account, cheque):
        cards = self.cards_of(account)
        if not cards:
            return Verdict.REFUSE, None
        nearest = self.cards.query(
            query_images=[cheque],
            ids=cards,
            n_results=1,
            include=["distances"],
        )
        distance = nearest["distances"][0][0]
        if distance < ACCEPT_BELOW:
            return Verdict.ACCEPT, distance
        return (Verdict.REFUSE if distance > REFUSE_ABOVE else Verdict.CLERK), distance

    def renew(self, card_id, bitmap):
        """People's signatures drift with the years: the same card gets a new picture."""
        if not self.cards.get(ids=[card_id], include=[])["ids"]:
            raise KeyError(card_id)
        self.cards.update(ids=[card_id], images=[bitmap])
        self.cards.update(ids=[card_id], uris=[f"cards:{card_id}?renewed"])  # the scan's place in the vault

    def revoke(self, account):
        cards = self.cards_of(account)
        if cards:
            self.cards.update(ids=cards, metadatas=[{"valid": False}] * len(cards))
        return len(cards)


def main(out=sys.stdout):
    anna, boris = (3, 5.0, 9.0), (7, 1.0, 4.0)
    desk = SignatureDesk(EphemeralClient())
    assert desk.register("4711", sign(anna, seed=1), sign(anna, wobble=0.4, seed=2)) == ["4711/0", "4711/1"]
    desk.register("0815", sign(boris, seed=3))

    genuine = sign(anna, wobble=0.5, seed=4)
    forged = sign(boris, wobble=0.5, seed=5)
    verdicts = {
        "genuine": desk.check("4711", genuine),
        "forged": desk.check("4711", forged),
        "no card": desk.check("9999", genuine),
    }
    assert verdicts["genuine"][0] is Verdict.ACCEPT, verdicts
    assert verdicts["forged"][0] is not Verdict.ACCEPT, verdicts
    assert verdicts["no card"] == (Verdict.REFUSE, None)
    # Without ids= the forger would be recognised, as himself: the whole point of the restriction.
    assert desk.cards.query(query_images=[forged], n_results=1, include=[])["ids"] == [["0815/0"]]

    # Ten years on, Anna writes flatter.
    older = (3, 5.0, 5.0)
    before = desk.check("4711", sign(older, seed=6))[1]
    desk.renew("4711/0", sign(older, seed=7))
    after = desk.check("4711", sign(older, seed=6))[1]
    assert after < before and after < ACCEPT_BELOW
    assert desk.cards.get("4711/0", include=["uris"])["uris"] == ["cards:4711/0?renewed"]

    assert desk.revoke("4711") == 2 and desk.revoke("4711") == 0
    assert desk.check("4711", genuine)[0] is Verdict.REFUSE
    assert desk.cards.count() == 3, "revoked cards are kept for the auditors"

    for case, (verdict, distance) in verdicts.items():
        print(f"{case:<8} {verdict.value:<16} {'-' if distance is None else f'{distance:.3f}'}", file=out)


if __name__ == "__main__":
    main()

"""Link a new bank support ticket to an open one about the same trouble, instead of answering it twice."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

import chromadb

FUNCTION_WORDS = frozenset(
    "a about after again all am an and any are as at be been but by can cannot did do does for from get got had has "
    "have hello hi i if in is it just me my no not now of on or please since so that the there this to was we what "
    "when why will with you your".split()
)
ALIASES = {
    "atm": "cash machine", "cashpoint": "cash machine", "debit": "card", "wire": "transfer", "sent": "transfer",
    "log": "login", "sign": "login", "signin": "login", "app": "app", "application": "app", "swallowed": "kept",
    "ate": "kept", "retained": "kept", "double": "twice", "charged": "charge", "charges": "charge",
}


def terms(text: str) -> list[str]:
    flat = re.sub(r"[^a-z ]", " ", text.lower())
    expanded = " ".join(ALIASES.get(word, word) for word in flat.split())
    return [word for word in expanded.split() if word not in FUNCTION_WORDS]


class TicketVectors(chromadb.EmbeddingFunction[chromadb.Documents]):
    """Signed feature hashing with a square-root damping of repeats."""

    def __init__(self, bits: int = 9):
        self.bits = bits

    def __call__(self, input: chromadb.Documents) -> chromadb.Embeddings:
        return [self._vector(text) for text in input]

    def _vector(self, text: str) -> list[float]:
        buckets = [0.0] * (1 << self.bits)
        for term in terms(text):
            h = 2166136261
            for byte in term.encode():  # FNV-1a
                h = (h ^ byte) * 16777619 % (1 << 32)
            buckets[h >> (32 - self.bits)] += 1.0 if h & 1 else -1.0
        damped = [math.copysign(math.sqrt(abs(x)), x) for x in buckets]
        return damped if any(damped) else [1.0] + damped[1:]

    @staticmethod
    def name() -> str:
        return "ticket_vectors"

    def get_config(self) -> dict[str, int]:
        return {"bits": self.bits}

    @staticmethod
    def build_from_config(config: dict[str, int]) -> TicketVectors:
        return TicketVectors(config["bits"])

    @staticmethod
    def validate_config(config: dict[str, int]) -> None:
        if not 4 <= config.get("bits", 0) <= 16:
            raise ValueError("bits must lie between 4 and 16")


@dataclass(frozen=True)
class Ticket:
    number: int
    customer: str
    text: str
    opened: datetime


@dataclass(frozen=True)
class Verdict:
    ticket: int
    duplicate_of: int | None
    distance: float


class DuplicateLinker:
    WINDOW = timedelta(days=3)
    CUTOFF = 0.55

    def __init__(self, client: chromadb.ClientAPI):
        self.tickets = client.get_or_create_collection(
            "bank_tickets",
            embedding_function=TicketVectors(),
            configuration={"hnsw": {"space": "cosine"}},
        )

    def _candidates(self, ticket: Ticket) -> dict:
        since = int((ticket.opened - self.WINDOW).timestamp())
        # Only masters are candidates: linking to a duplicate would build chains.
        return {"$and": [{"status": "open"}, {"master": {"$lt": 0}}, {"opened": {"$gte": since}}]}

    def submit(self, ticket: Ticket) -> Verdict:
        near = self.tickets.query(
            query_texts=[ticket.text],
            n_results=1,
            where=self._candidates(ticket),
            include=["distances", "metadatas"],
        )
        master, distance = None, 2.0
        if near["ids"][0]:
            distance = near["distances"][0][0]
            if distance <= self.CUTOFF:
                master = int(near["ids"][0][0])
        self.tickets.add(
            ids=[str(ticket.number)],
            documents=[ticket.text],
            metadatas=[
                {
                    "customer": ticket.customer,
                    "opened": int(ticket.opened.timestamp()),
                    "status": "open",
                    "master": -1 if master is None else master,
                }
            ],
        )
        return Verdict(ticket.number, master, distance)

    def family(self, master: int) -> list[int]:
        rows = self.tickets.get(where={"master": {"$eq": master}}, include=[])
        return [master, *sorted(map(int, rows["ids"]))]

    def resolve(self, master: int, solution: str) -> list[str]:
        """Close a ticket and all that hang on it; returns the customers to be told."""
        numbers = [str(n) for n in self.family(master)]
        self.tickets.update(ids=numbers, metadatas=[{"status": "solved", "solution": solution}] * len(numbers))
        rows = self.tickets.get(ids=numbers, include=["metadatas"])
        return sorted({meta["customer"] for meta in rows["metadatas"]})


def inbox() -> list[Ticket]:
    monday = datetime(2025, 3, 3, 8)
    lines = [
        (0, "n.ito", "The cash machine on Mill Street kept my card"),
        (1, "k.obi", "I cannot log in to the app since this morning"),
        (2, "p.roy", "Hello, ATM Mill Street swallowed my debit card!"),
        (3, "l.fox", "My transfer to Spain has not arrived"),
        (5, "g.sun", "application: login not possible this morning"),
        (7, "b.lee", "Please raise my card limit"),
        (30, "t.may", "my card was retained by the cash machine, Mill street"),
        (200, "z.kay", "The cash machine on Mill Street kept my card"),
    ]
    return [Ticket(100 + n, who, text, monday + timedelta(hours=h)) for n, (h, who, text) in enumerate(lines)]


def main() -> None:
    linker = DuplicateLinker(chromadb.EphemeralClient())
    verdicts = {v.ticket: v for v in map(linker.submit, inbox())}
    for v in verdicts.values():
        link = f"duplicate of {v.duplicate_of}" if v.duplicate_of else "new"
        print(f"{v.ticket}  {link:<17} nearest {v.distance:.2f}")

    assert verdicts[102].duplicate_of == 100 and verdicts[106].duplicate_of == 100
    assert verdicts[104].duplicate_of == 101
    assert verdicts[103].duplicate_of is None
    assert verdicts[105].duplicate_of is None, "a card limit is not a swallowed card"
    # Word for word the same, but a week later: another incident at the same machine.
    assert verdicts[107].duplicate_of is None

    assert linker.family(100) == [100, 102, 106]
    told = linker.resolve(100, "machine emptied, cards posted")
    print("told:", ", ".join(told))
    assert told == ["n.ito", "p.roy", "t.may"]
    assert len(linker.tickets.get(where={"status": {"$ne": "open"}})["ids"]) == 3

    # A solved ticket attracts no more duplicates, even within the window.
    late = linker.submit(Ticket(108, "a.ray", "cash machine Mill Street kept card", datetime(2025, 3, 4, 20)))
    assert late.duplicate_of == 107, "the open one is found instead"
    try:
        TicketVectors.validate_config({"bits": 40})
    except ValueError as error:
        print("config:", error)
    else:
        raise AssertionError("40 bits passed for a valid configuration")


if __name__ == "__main__":
    main()

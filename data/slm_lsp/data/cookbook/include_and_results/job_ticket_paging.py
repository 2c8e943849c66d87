"""Page through repair tickets: limit/offset pages, a cursor that survives inserts, ranked pages.

Three ways, each with its use.  Offsets are simple and drift when records come or go.  A cursor on a
numeric key does not drift.  Ranked results have no offset in query(), so pages are cut from a longer
answer, fetched ids first and details last.
"""

import base64
import json
from typing import Iterator, Optional

import chromadb
import numpy as np

rng = np.random.default_rng(404)
FAULTS = ["no power", "screen cracked", "battery swollen", "fan noise", "keyboard sticky"]


def open_workshop(client, size=23):
    tickets = client.create_collection("repair_tickets", embedding_function=None)
    numbers = range(1, size + 1)
    tickets.add(
        ids=[f"T{number:04}" for number in numbers],
        documents=[FAULTS[number % len(FAULTS)] for number in numbers],
        metadatas=[{"number": number, "open": number % 3 != 0} for number in numbers],
        embeddings=rng.normal(size=(size, 8)).astype(np.float32),
    )
    return tickets


# 1. ---- offset pages ------------------------------------------------------------------------------
def pages(tickets, size: int, **filters) -> Iterator[list[str]]:
    """All pages in turn; the first short page is the last."""
    offset = 0
    while True:
        page = tickets.get(limit=size, offset=offset, include=[], **filters)["ids"]
        if page:
            yield page
        if len(page) < size:
            return
        offset += size


def page_count(tickets, size: int, where: Optional[dict] = None) -> int:
    """count() takes no filter, so a filtered total is the length of an id-only get()."""
    total = tickets.count() if where is None else len(tickets.get(where=where, include=[])["ids"])
    return -(-total // size)


# 2. ---- cursor pages ------------------------------------------------------------------------------
def encode(state: dict) -> str:
    return base64.urlsafe_b64encode(json.dumps(state).encode()).decode()


def decode(token: str) -> dict:
    try:
        state = json.loads(base64.urlsafe_b64decode(token))
        return {"after": int(state["after"])}
    except (ValueError, KeyError, TypeError):
        raise ValueError("this page link is broken") from None


def cursor_page(tickets, size: int, token: Optional[str] = None, where: Optional[dict] = None):
    """(ids, token of the next page or None).  The cursor is a key that only grows: the ticket number."""
    after = decode(token)["after"] if token else 0
    beyond = {"number": {"$gt": after}}
    found = tickets.get(
        where={"$and": [beyond, where]} if where else beyond,
        include=["metadatas"],
    )
    # get() promises no order, so order here and cut; with very many records narrow the range first.
    rows = sorted(zip((facts["number"] for facts in found["metadatas"]), found["ids"]))
    page = rows[:size]
    following = encode({"after": page[-1][0]}) if len(rows) > size else None
    return [ticket for _, ticket in page], following


# 3. ---- ranked pages ------------------------------------------------------------------------------
class RankedPages:
    """Pages of one search.  The ranking is made once, details are fetched per page."""

    def __init__(self, tickets, question, size: int, depth: int = 100, where: Optional[dict] = None):
        self.tickets, self.size = tickets, size
        # include=["distances"] and no more: a ranking of a hundred ids is cheap.
        ranking = tickets.query(
            query_embeddings=question, n_results=depth, where=where, include=["distances"]
        )
        self.ids = ranking["ids"][0]
        self.distances = dict(zip(self.ids, ranking["distances"][0]))

    def __len__(self):
        return -(-len(self.ids) // self.size)

    def __getitem__(self, number: int) -> list[dict]:
        if not 0 <= number < len(self):
            raise IndexError(number)
        wanted = self.ids[number * self.size : (number + 1) * self.size]
        found = self.tickets.get(ids=wanted, include=["documents"])
        text = dict(zip(found["ids"], found["documents"]))
        # A ticket deleted since the search is simply missing from its page.
        return [{"id": t, "fault": text[t], "distance": self.distances[t]} for t in wanted if t in text]


def main() -> None:
    tickets = open_workshop(chromadb.EphemeralClient())

    all_pages = list(pages(tickets, size=10))
    assert [len(page) for page in all_pages] == [10, 10, 3] and page_count(tickets, 10) == 3
    assert len({ticket for page in all_pages for ticket in page}) == 23
    still_open = {"open": True}
    assert page_count(tickets, 10, where=still_open) == 2
    assert sum(len(page) for page in pages(tickets, 4, where=still_open)) == 16
    fans = list(pages(tickets, 4, where_document={"$contains": "fan"}))
    assert [len(page) for page in fans] == [4, 1]
    assert list(pages(tickets, 5, where={"number": {"$gt": 999}})) == []

    # The drift: between two pages a ticket of the first page is deleted, and one is never seen.
    first = tickets.get(limit=5, offset=0, include=[])["ids"]
    tickets.delete(ids=[first[0]])
    second = tickets.get(limit=5, offset=5, include=[])["ids"]
    assert "T0006" not in first + second

    # The cursor does not mind, neither deletions before it nor insertions behind it.
    seen, token = cursor_page(tickets, size=5)
    assert seen == ["T0002", "T0003", "T0004", "T0005", "T0006"]
    tickets.delete(ids=["T0003"])
    tickets.add(ids=["T0024"], embeddings=[[0.0] * 8], documents=["no power"], metadatas=[{"number": 24, "open": True}])
    while token:
        page, token = cursor_page(tickets, size=5, token=token)
        seen += page
    assert len(seen) == len(set(seen)) == 23 and seen[-1] == "T0024"
    assert cursor_page(tickets, 99, where=still_open)[1] is None
    try:
        cursor_page(tickets, 5, token="bm9uc2Vuc2U=")
    except ValueError as error:
        print(error)
    else:
        raise AssertionError("a forged link was followed")

    question = rng.normal(size=(1, 8)).astype(np.float32)
    ranked = RankedPages(tickets, question, size=6, where=still_open)
    flat = [row for page in ranked for row in page]
    assert len(ranked) == 3 and len(flat) == 16
    assert [row["distance"] for row in flat] == sorted(row["distance"] for row in flat)
    tickets.delete(ids=[flat[7]["id"]])
    assert len(ranked[1]) == 5 and len(ranked[0]) == 6
    print(f"{len(flat)} open tickets on {len(ranked)} pages, nearest: {flat[0]['fault']} ({flat[0]['id']})")


if __name__ == "__main__":
    main()

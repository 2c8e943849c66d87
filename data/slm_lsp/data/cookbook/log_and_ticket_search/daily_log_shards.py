"""Rotate logs of a bakery's ovens into one collection per day, search across days and drop whole days when they are old."""

import asyncio
import contextlib
import datetime as dt
import heapq
import re
from typing import AsyncIterator, NamedTuple

import chromadb
from chromadb.errors import NotFoundError

PREFIX = "ovenlog-"
SENSORS = ("temp", "door", "steam", "belt", "gas", "power")


class Entry(NamedTuple):
    distance: float
    day: dt.date
    text: str
    oven: int


def shard_name(day: dt.date) -> str:
    return f"{PREFIX}{day:%Y%m%d}"


def shard_day(name: str) -> dt.date:
    return dt.datetime.strptime(name.removeprefix(PREFIX), "%Y%m%d").date()


def sensor_vector(text: str) -> list[float]:
    """One axis per sensor, and one for how bad it is."""
    low = text.lower()
    axes = [float(low.count(s)) + 0.05 for s in SENSORS]
    return axes + [2.0 if re.search(r"\b(fail|alarm|lost|stuck)", low) else 0.1]


class ShardedLog:
    """Dropping a collection is instant; deleting a million rows by date from one big collection is not."""

    def __init__(self, client: chromadb.ClientAPI, keep_days: int) -> None:
        self.client = client
        self.keep = dt.timedelta(days=keep_days)

    def shards(self) -> list[dt.date]:
        """All the days there are, by walking the list of collections a page at a time."""
        days, offset, page = [], 0, 4
        while names := [c.name for c in self.client.list_collections(limit=page, offset=offset)]:
            days += [shard_day(name) for name in names if name.startswith(PREFIX)]
            offset += len(names)
        return sorted(days)

    def write(self, day: dt.date, lines: list[tuple[int, str]]) -> None:
        shard = self.client.get_or_create_collection(
            shard_name(day),
            configuration={"hnsw": {"space": "cosine"}},
            metadata={"day": day.isoformat(), "sealed": False},
        )
        if shard.metadata["sealed"]:
            raise PermissionError(f"{day} is sealed")
        first = shard.count()
        shard.add(
            ids=[f"{first + n:06d}" for n in range(len(lines))],
            embeddings=[sensor_vector(text) for _, text in lines],
            documents=[text for _, text in lines],
            metadatas=[{"oven": oven, "alarm": "ALARM" in text} for oven, text in lines],
        )

    def seal(self, day: dt.date) -> None:
        shard = self.client.get_collection(shard_name(day))
        shard.modify(metadata={"day": day.isoformat(), "sealed": True, "lines": shard.count()})

    def rotate(self, today: dt.date) -> list[dt.date]:
        dropped = []
        for day in self.shards():
            if day <= today - self.keep:
                self.client.delete_collection(shard_name(day))
                dropped.append(day)
            elif day < today:
                self.seal(day)
        return dropped

    def _search_one(self, day: dt.date, query: str, count: int, where: dict | None) -> list[Entry]:
        try:
            shard = self.client.get_collection(shard_name(day))
        except NotFoundError:
            return []  # rotated away between listing and searching: not an error
        page = shard.query(query_embeddings=sensor_vector(query), n_results=count, where=where)
        return [
            Entry(distance, day, text, meta["oven"])
            for distance, text, meta in zip(page["distances"][0], page["documents"][0], page["metadatas"][0])
        ]

    async def search(
        self, query: str, count: int = 3, first: dt.date | None = None, last: dt.date | None = None, **where: object
    ) -> list[Entry]:
        """Ask the shards side by side and merge; every page is sorted, so a heap merge is enough."""
        days = [d for d in self.shards() if (first or d) <= d <= (last or d)]
        rules = [{key: value} for key, value in where.items()]
        combined = None if not rules else rules[0] if len(rules) == 1 else {"$and": rules}
        # The embedded client is synchronous: threads keep the event loop free.
        pages = await asyncio.gather(
            *(asyncio.to_thread(self._search_one, day, query, count, combined) for day in days)
        )
        return list(heapq.merge(*pages))[:count]


@contextlib.asynccontextmanager
async def oven_logs(keep_days: int) -> AsyncIterator[ShardedLog]:
    client = chromadb.EphemeralClient()
    try:
        yield ShardedLog(client, keep_days)
    finally:
        for collection in client.list_collections():
            client.delete_collection(collection.name)


WEEK = {
    1: [(1, "temp 231 steady"), (2, "ALARM gas pressure lost")],
    2: [(1, "door open for 40 s"), (3, "steam valve cleaned")],
    3: [(2, "temp 228 steady"), (3, "ALARM belt stuck, belt stopped")],
    4: [(1, "power dip of 2 s, power back"), (1, "temp 190 and falling")],
    5: [(3, "belt tension adjusted"), (2, "ALARM gas alarm, gas valve failed")],
    6: [(1, "steam pressure normal")],
}


async def main() -> None:
    async with oven_logs(keep_days=4) as log:
        march = {day: dt.date(2025, 3, day) for day in WEEK}
        for day, lines in WEEK.items():
            log.write(march[day], lines)
        assert log.client.count_collections() == 6 and log.shards() == list(march.values())

        gas = await log.search("gas alarm, what failed?", count=2)
        for hit in gas:
            print(f"{hit.day} oven {hit.oven}  {hit.text}  ({abs(hit.distance):.2f})")
        assert {hit.day.day for hit in gas} == {1, 5}

        belts = await log.search("belt", count=2, first=march[4])
        assert belts[0].text == "belt tension adjusted", "the stuck belt of the third lies before the range"
        assert (await log.search("belt stuck", count=1, oven=3, alarm=True))[0].day == march[3]
        assert await log.search("anything", oven=99) == []

        dropped = log.rotate(today=march[6])
        print("dropped:", *dropped, "| left:", log.client.count_collections())
        assert dropped == [march[1], march[2]]
        assert [h.day.day for h in await log.search("gas alarm", count=1)] == [5]

        # Yesterday is sealed; only today takes lines.
        sealed = log.client.get_collection(shard_name(march[5]))
        assert sealed.metadata == {"day": "2025-03-05", "sealed": True, "lines": 2}
        try:
            log.write(march[5], [(1, "late line")])
        except PermissionError as error:
            print("refused:", error)
        else:
            raise AssertionError("a closed day was written to")
        log.write(march[6], [(2, "door closed")])
        assert log.client.get_collection(shard_name(march[6])).count() == 2
        assert log._search_one(march[1], "gas", 1, None) == []


if __name__ == "__main__":
    asyncio.run(main())

"""Filter concerts by date: days stored as integers, moments as epoch seconds, ranges on both.

Metadata has no date type, and $gt / $lt take numbers only, so ISO strings cannot be compared.  Two
encodings cover most needs: ``day`` as 20240607, readable and good for "this weekend", and ``starts``
as epoch seconds, good for durations and time zones.
"""

from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import chromadb
import numpy as np

VIENNA = ZoneInfo("Europe/Vienna")
GENRES = {"jazz": 0, "opera": 1, "rock": 2, "chamber": 3}


def day_number(day: date) -> int:
    return day.year * 10_000 + day.month * 100 + day.day


def epoch(moment: datetime) -> int:
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone")
    return int(moment.timestamp())


def between(key, first, last):
    """first <= key <= last; one operator per key and level, hence the $and."""
    return {"$and": [{key: {"$gte": first}}, {key: {"$lte": last}}]}


def on_day(day):
    return {"day": day_number(day)}


def this_weekend(today):
    saturday = today + timedelta(days=(5 - today.weekday()) % 7)
    if today.weekday() == 6:  # on a Sunday, the weekend is what is left of it
        return on_day(today)
    return between("day", day_number(saturday), day_number(saturday + timedelta(days=1)))


def in_month(year, month):
    # 0 and 99 are no days, which is just what makes the bounds safe for every month.
    return between("day", year * 10_000 + month * 100, year * 10_000 + month * 100 + 99)


def running_at(moment):
    """Concerts that have begun and not ended: two keys, two directions."""
    now = epoch(moment)
    return {"$and": [{"starts": {"$lte": now}}, {"ends": {"$gt": now}}]}


def overlapping(begin, end):
    return {"$and": [{"starts": {"$lt": epoch(end)}}, {"ends": {"$gt": epoch(begin)}}]}


PROGRAMME = [
    # title, genre, local start, minutes
    ("Tosca", "opera", datetime(2024, 6, 7, 19, 0), 165),
    ("Late set at the Porgy", "jazz", datetime(2024, 6, 7, 23, 30), 120),  # ends on the next day
    ("Schubert quintet", "chamber", datetime(2024, 6, 8, 11, 0), 70),
    ("Open air on the island", "rock", datetime(2024, 6, 8, 16, 0), 420),
    ("Sunday brunch trio", "jazz", datetime(2024, 6, 9, 11, 0), 90),
    ("Fidelio", "opera", datetime(2024, 6, 30, 18, 30), 150),
    ("Club night", "rock", datetime(2024, 7, 1, 0, 15), 180),
]


def fill(calendar):
    metadatas = []
    for _, genre, start, minutes in PROGRAMME:
        start = start.replace(tzinfo=VIENNA)
        metadatas.append(
            {
                "genre": genre,
                "day": day_number(start.date()),
                "weekday": start.strftime("%a"),
                "starts": epoch(start),
                "ends": epoch(start + timedelta(minutes=minutes)),
            }
        )
    calendar.add(
        ids=[f"event-{n}" for n in range(1, len(PROGRAMME) + 1)],
        documents=[title for title, *_ in PROGRAMME],
        embeddings=np.eye(len(GENRES))[[GENRES[genre] for _, genre, *_ in PROGRAMME]],
        metadatas=metadatas,
    )


def main():
    calendar = chromadb.EphemeralClient().create_collection("concert_calendar")
    fill(calendar)

    def titles(where):
        return calendar.get(where=where, include=["documents"])["documents"]

    friday = date(2024, 6, 7)
    assert titles(on_day(friday)) == ["Tosca", "Late set at the Porgy"]

    weekend = ["Schubert quintet", "Open air on the island", "Sunday brunch trio"]
    for any_day in (date(2024, 6, 3), friday, date(2024, 6, 8)):
        assert titles(this_weekend(any_day)) == weekend
    assert titles(this_weekend(date(2024, 6, 9))) == ["Sunday brunch trio"]

    assert titles(in_month(2024, 7)) == ["Club night"]
    assert len(titles(in_month(2024, 6))) == 6

    # Half past midnight belongs to the evening before, if one asks for moments instead of days.
    night = datetime(2024, 6, 8, 0, 30, tzinfo=VIENNA)
    assert titles(running_at(night)) == ["Late set at the Porgy"]
    assert titles(running_at(night.astimezone(timezone.utc))) == ["Late set at the Porgy"]

    # Which concerts collide with a dinner from seven to ten?
    dinner = datetime(2024, 6, 8, 19, 0, tzinfo=VIENNA), datetime(2024, 6, 8, 22, 0, tzinfo=VIENNA)
    assert titles(overlapping(*dinner)) == ["Open air on the island"]

    # What an ISO string would bring: it can be stored and compared for equality, not for order.
    calendar.update(ids=["event-1"], metadatas=[{"iso": "2024-06-07T19:00"}])
    try:
        calendar.get(where={"iso": {"$gte": "2024-06-01"}})
    except ValueError as error:
        print("strings have no range:", str(error)[:64])
    else:
        raise AssertionError("a range over strings")

    # The evening question: opera lovers, next 24 hours, nearest genre first.
    soon = overlapping(
        datetime(2024, 6, 7, 18, 0, tzinfo=VIENNA), datetime(2024, 6, 8, 18, 0, tzinfo=VIENNA)
    )
    taste = [0.2, 0.9, 0.0, 0.6]
    advice = calendar.query(query_embeddings=[taste], where=soon, n_results=3)
    assert advice["documents"][0][:2] == ["Tosca", "Schubert quintet"]
    for title, facts in zip(advice["documents"][0], advice["metadatas"][0]):
        local = datetime.fromtimestamp(facts["starts"], VIENNA)
        print(f"{local:%a %d %b %H:%M}  {title}")


if __name__ == "__main__":
    main()

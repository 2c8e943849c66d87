"""Collect lasting facts about hotel guests from their chat lines, and let a newer fact replace an older one.

A fact has a slot ("diet", "pillow", "wake-up").  For a slot with one value the id is
guest + slot, so an upsert *is* the replacement; for a slot with many values the value
joins the id.  The value that was replaced is archived, because "we used to bring you
feather pillows" explains a great deal at the front desk.
"""

import re
from datetime import date
from enum import Enum
from functools import partial

import chromadb
import mmh3
import numpy as np

WIDTH = 300


class Slot(str, Enum):
    NAME = "name"
    DIET = "diet"
    PILLOW = "pillow"
    WAKE_UP = "wake-up"
    LIKES = "likes"
    DISLIKES = "dislikes"


MANY = {Slot.LIKES, Slot.DISLIKES}

END = r"(?= and | too\b|[.,;!?]|$)"  # where a liked thing stops

# What a language model would extract with a prompt, these patterns do for the demo.
PATTERNS = [
    (Slot.NAME, r"\bmy name is (?P<value>[A-Z]\w+)"),
    (Slot.DIET, r"\bi(?: a|')m (?:now )?(?:a )?(?P<value>vegan|vegetarian|pescatarian|coeliac)"),
    (Slot.PILLOW, r"\b(?P<value>feather|foam|wool) pillows?"),
    (Slot.WAKE_UP, r"\bwake me (?:up )?at (?P<value>\d{1,2}(?::\d\d)?)"),
    (Slot.DISLIKES, r"\bi (?:hate|can't stand|don't like) (?P<value>[a-z ]+?)" + END),
    (Slot.LIKES, r"\bi (?:love|really like|enjoy) (?P<value>[a-z ]+?)" + END),
]

SENTENCE = {
    Slot.NAME: "The guest's name is {}.",
    Slot.DIET: "Food and dinner: the guest is {}.",
    Slot.PILLOW: "Bed and room: wants {} pillows.",
    Slot.WAKE_UP: "Morning wake-up call at {}.",
    Slot.LIKES: "The guest likes {}.",
    Slot.DISLIKES: "The guest dislikes {}.",
}


def embed(texts):
    out = np.zeros((len(texts), WIDTH), dtype=np.float32)
    for i, text in enumerate(texts):
        for token in re.findall(r"[a-z]{4,}", text.lower()):
            h = mmh3.hash(token.rstrip("s"), seed=3, signed=False)
            out[i, h % WIDTH] += 1.0
        out[i, 0] += 0.05
    return out


def extract(line):
    for slot, pattern in PATTERNS:
        for match in re.finditer(pattern, line, flags=re.IGNORECASE):
            yield slot, match["value"].strip().lower() if slot is not Slot.NAME else match["value"]


def remember(facts, archive, guest, line, day):
    """Store the facts in one chat line; returns what changed as (slot, old, new)."""
    changes = []
    for slot, value in extract(line):
        key = f"{guest}/{slot.value}" + (f"/{value}" if slot in MANY else "")
        before = facts.get(ids=[key])
        old = before["metadatas"][0]["value"] if before["ids"] else None
        if old == value:
            # Said again: only the date and the count move, nothing is embedded.
            times = before["metadatas"][0]["times"] + 1
            facts.update(ids=[key], metadatas=[{"last_said": day.toordinal(), "times": times}])
            continue
        if old is not None:
            archive.add(
                ids=[f"{key}@{before['metadatas'][0]['first_said']}"],
                embeddings=[[0.0]],
                documents=before["documents"],
                metadatas=[{**before["metadatas"][0], "replaced": day.toordinal()}],
            )
        sentence = SENTENCE[slot].format(value)
        facts.upsert(
            ids=[key],
            embeddings=embed([sentence]),
            documents=[sentence],
            metadatas=[
                {
                    "guest": guest,
                    "slot": slot.value,
                    "value": value,
                    "first_said": day.toordinal(),
                    "last_said": day.toordinal(),
                    "times": 1,
                }
            ],
        )
        changes.append((slot, old, value))
    return changes


def profile(facts, guest, about=None, count=3):
    """Everything about a guest, or the facts closest to what is being talked about."""
    if about is None:
        rows = facts.get(where={"guest": guest}, include=["documents"])
        return sorted(rows["documents"])
    rows = facts.query(
        query_embeddings=embed([about]),
        n_results=count,
        where={"guest": guest},
        include=["documents", "distances"],
    )
    return [d for d, distance in zip(rows["documents"][0], rows["distances"][0]) if distance < 0.9]


def main():
    client = chromadb.EphemeralClient()
    facts = client.create_collection("guest_facts", configuration={"hnsw": {"space": "cosine"}})
    archive = client.create_collection("guest_facts_archive")
    note = partial(remember, facts, archive)

    spring, autumn = date(2024, 4, 2), date(2024, 10, 9)
    note("room-12", "Hello, my name is Ingrid and I'm a vegetarian. I love jazz and I hate noisy corridors.", spring)
    note("room-12", "Two feather pillows please, and wake me at 6:30.", spring)
    note("room-31", "My name is Tomas. I love jazz too. Wake me up at 9", spring)
    assert facts.count() == 6 + 3, facts.get()["ids"]

    # Half a year later something is new, something is repeated, something is reversed.
    changes = note("room-12", "I'm now vegan. Foam pillows this time; wake me at 6:30 as always.", autumn)
    print("changed:", [(s.value, old, new) for s, old, new in changes])
    assert changes == [(Slot.DIET, "vegetarian", "vegan"), (Slot.PILLOW, "feather", "foam")]
    assert facts.count() == 9, "replaced, not added"

    call = facts.get(ids="room-12/wake-up")["metadatas"][0]
    assert call["times"] == 2 and call["first_said"] < call["last_said"] == autumn.toordinal()

    for line in profile(facts, "room-12"):
        print("  ", line)
    assert profile(facts, "room-12", about="which pillows belong on the bed?") == ["Bed and room: wants foam pillows."]
    assert "vegan" in profile(facts, "room-12", about="planning dinner, what food?")[0]

    # One question about all the guests: who would come to an evening of music?
    music = {"$and": [{"slot": Slot.LIKES.value}, {"value": {"$in": ["jazz", "opera", "chamber music"]}}]}
    fans = sorted(m["guest"] for m in facts.get(where=music)["metadatas"])
    print("invite to the concert:", fans)
    assert fans == ["room-12", "room-31"]

    old = archive.get(where={"replaced": {"$gte": autumn.toordinal()}})
    assert sorted(m["value"] for m in old["metadatas"]) == ["feather", "vegetarian"]
    assert all(i.startswith("room-12/") for i in old["ids"])

    # A guest who asks to be forgotten is gone from both collections.
    gone = sum(c.delete(where={"guest": "room-12"})["deleted"] for c in (facts, archive))
    assert gone == 8 and profile(facts, "room-12") == [] and facts.count() == 3
    print("forgot", gone, "records of room-12")


if __name__ == "__main__":
    main()

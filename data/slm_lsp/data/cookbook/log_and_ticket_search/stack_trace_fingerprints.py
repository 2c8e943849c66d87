"""Group crash reports into issues by their stack traces, and tell new issues and regressions from known ones."""

import dataclasses
import hashlib
import traceback
import uuid
from pathlib import PureWindowsPath
from typing import Callable, Literal, Sequence

import chromadb
import numpy as np

DIM = 220


@dataclasses.dataclass(frozen=True, slots=True)
class Crash:
    kind: str
    message: str
    frames: tuple[str, ...]  # innermost first, "file:function"
    release: tuple[int, int]

    @classmethod
    def capture(cls, failing: Callable[[], object], release: tuple[int, int]) -> "Crash":
        """Run something that fails and keep what a crash reporter would send."""
        try:
            failing()
        except Exception as error:
            summary = traceback.extract_tb(error.__traceback__)
            # PureWindowsPath understands both kinds of slashes; reports come from all systems.
            frames = [f"{PureWindowsPath(f.filename).name}:{f.name}" for f in reversed(summary)]
            # The reporter's own frame says nothing about the bug.
            return cls(type(error).__name__, str(error), tuple(f for f in frames if not f.endswith(":capture")), release)
        raise AssertionError("it did not fail")

    @property
    def fingerprint(self) -> str:
        """Exact grouping: kind and function names. No line numbers, they move with every edit."""
        return hashlib.sha1("|".join((self.kind, *self.frames)).encode()).hexdigest()[:14]

    @property
    def ordinal(self) -> int:
        return self.release[0] * 1000 + self.release[1]  # comparable with $gte, unlike "2.10"


def vectorise(crashes: Sequence[Crash]) -> np.ndarray:
    """Frames near the crash weigh most: the tenth caller is main() in every trace."""
    out = np.zeros((len(crashes), DIM), dtype=np.float32)
    for row, crash in zip(out, crashes):
        parts = [(crash.kind, 1.0)] + [(frame, 0.8**depth) for depth, frame in enumerate(crash.frames)]
        for part, weight in parts:
            digest = hashlib.sha1(part.encode()).digest()
            for k in range(3):  # three slots per part make accidental twins unlikely
                row[int.from_bytes(digest[2 * k : 2 * k + 2], "little") % DIM] += weight
    return out


Outcome = Literal["known", "merged", "new", "regression"]


class IssueTracker:
    def __init__(self, client: chromadb.ClientAPI, cutoff: float = 0.3) -> None:
        self.crashes = client.create_collection("crashes", configuration={"hnsw": {"space": "cosine"}})
        self.issues = client.create_collection("issues", metadata={"next": 1})
        self.cutoff = cutoff

    def _open_issue(self, crash: Crash) -> str:
        number = self.issues.metadata["next"]
        # modify() replaces the whole metadata of a collection, so everything in it is written again.
        self.issues.modify(metadata={**self.issues.metadata, "next": number + 1})
        key = f"ISSUE-{number}"
        self.issues.add(
            ids=[key],
            embeddings=[[0.0]],
            documents=[f"{crash.kind}: {crash.message}"],
            metadatas=[{"fixed_in": -1, "first": crash.ordinal, "culprit": crash.frames[0]}],
        )
        return key

    def report(self, crash: Crash) -> tuple[str, Outcome]:
        exact = self.crashes.get(where={"fingerprint": crash.fingerprint}, limit=1, include=["metadatas"])
        outcome: Outcome = "known"
        if exact["ids"]:
            issue = exact["metadatas"][0]["issue"]
        else:
            near = self.crashes.query(
                query_embeddings=vectorise([crash]),
                n_results=1,
                where={"kind": crash.kind},  # a KeyError is never the same bug as a TypeError
                include=["metadatas", "distances"],
            )
            if near["ids"][0] and near["distances"][0][0] < self.cutoff:
                issue, outcome = near["metadatas"][0][0]["issue"], "merged"
            else:
                issue, outcome = self._open_issue(crash), "new"
        state = self.issues.get(ids=[issue], include=["metadatas"])["metadatas"][0]
        if 0 <= state["fixed_in"] <= crash.ordinal:
            outcome = "regression"
            self.issues.update(ids=[issue], metadatas=[{"fixed_in": -1}])
        self.crashes.add(
            ids=[uuid.uuid4().hex],
            embeddings=vectorise([crash]),
            documents=[crash.message],
            metadatas=[
                {
                    "issue": issue,
                    "kind": crash.kind,
                    "fingerprint": crash.fingerprint,
                    "frames": list(crash.frames),
                    "release": crash.ordinal,
                }
            ],
        )
        return issue, outcome

    def mark_fixed(self, issue: str, release: tuple[int, int]) -> None:
        self.issues.update(ids=[issue], metadatas=[{"fixed_in": release[0] * 1000 + release[1]}])

    def touching(self, frame: str, since: tuple[int, int] = (0, 0)) -> set[str]:
        """Issues with a function anywhere in the trace: what to retest after changing it."""
        rule = {"$and": [{"frames": {"$contains": frame}}, {"release": {"$gte": since[0] * 1000 + since[1]}}]}
        return {m["issue"] for m in self.crashes.get(where=rule, include=["metadatas"])["metadatas"]}


# A small ferry booking program with bugs in it.
def cabin_price(cabins: dict, deck: str) -> float:
    return cabins[deck]["price"]

def quote(cabins: dict, deck: str) -> str:
    return f"{cabin_price(cabins, deck):.2f}"

def quote_for_group(cabins: dict, decks: list) -> list:
    return [quote(cabins, deck) for deck in decks]

def seats(text: str) -> int:
    return int(text)


def main() -> None:
    tracker = IssueTracker(chromadb.EphemeralClient())
    prices = {"upper": {"price": 80.0}, "lower": {}}

    plan = [
        (lambda: quote(prices, "middle"), (2, 9)),
        (lambda: quote(prices, "attic"), (2, 9)),  # another message, the same place
        (lambda: quote_for_group(prices, ["bilge"]), (2, 10)),  # one caller more, the same bug
        (lambda: seats("four"), (2, 10)),
        (lambda: quote({"lower": None}, "lower"), (2, 10)),  # the same place, but a TypeError
    ]
    outcomes = []
    for failing, release in plan:
        crash = Crash.capture(failing, release)
        issue, outcome = tracker.report(crash)
        outcomes.append((issue, outcome))
        print(f"{issue}  {outcome:<10} {crash.kind}: {crash.message[:45]}")
    assert outcomes == [
        ("ISSUE-1", "new"), ("ISSUE-1", "known"), ("ISSUE-1", "merged"), ("ISSUE-2", "new"), ("ISSUE-3", "new"),
    ]

    here = PureWindowsPath(__file__).name
    assert tracker.touching(f"{here}:cabin_price") == {"ISSUE-1", "ISSUE-3"}
    assert tracker.touching(f"{here}:cabin_price", since=(2, 10)) == {"ISSUE-1", "ISSUE-3"}
    assert tracker.touching(f"{here}:seats") == {"ISSUE-2"}

    # Fixed in 2.11: a late report from 2.10 is no news, one from 3.0 is a regression.
    tracker.mark_fixed("ISSUE-1", (2, 11))
    assert tracker.report(Crash.capture(plan[0][0], (2, 10))) == ("ISSUE-1", "known")
    issue, outcome = tracker.report(Crash.capture(plan[0][0], (3, 0)))
    print(f"{issue}  {outcome}")
    assert outcome == "regression"
    assert tracker.issues.get(where={"fixed_in": {"$lt": 0}})["ids"] == ["ISSUE-1", "ISSUE-2", "ISSUE-3"]
    assert tracker.issues.metadata["next"] == 4 and tracker.crashes.count() == 7


if __name__ == "__main__":
    main()

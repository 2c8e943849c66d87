"""Give a clinic's booking assistant a memory per session: the last turns verbatim, older ones by meaning.

One collection holds every conversation.  A turn's metadata names its session, so a
`where` clause is the wall between two patients; there is no query in this file
without it.
"""

import itertools
import uuid
from typing import Any, Literal

import chromadb
from chromadb.config import Settings

Role = Literal["patient", "assistant"]


class TurnEmbedder(chromadb.EmbeddingFunction):
    """Folds the consonant skeleton of each word into 384 slots ("appointment" and "appointments" nearly agree)."""

    SLOTS = 384

    def __init__(self) -> None:
        self._noise = frozenset({"th", "nd", "t", "s", "f", "n", "m", "wll", "y", "r", "cn", "wht", "hv", "my", "fr", "d"})

    def __call__(self, input: list[str]) -> Any:
        return [self._fold(text) for text in input]

    def _fold(self, text: str) -> list[float]:
        slots = [0.0] * self.SLOTS
        slots[0] = 0.05
        cleaned = "".join(ch if ch.isalpha() else " " for ch in text.lower())
        for word in cleaned.split():
            skeleton = "".join(ch for ch in word if ch not in "aeiou")
            if not skeleton or skeleton in self._noise:
                continue
            code = 7
            for ch in skeleton[:7]:
                code = code * 37 + ord(ch)
            slots[1 + code % (self.SLOTS - 1)] += 1.0
        return slots

    @staticmethod
    def name() -> str:
        return "consonant-skeleton"

    def get_config(self) -> dict[str, Any]:
        return {}

    @staticmethod
    def build_from_config(config: dict[str, Any]) -> "TurnEmbedder":
        return TurnEmbedder()

    def default_space(self) -> Literal["cosine"]:
        return "cosine"


class SessionMemory:
    def __init__(self, turns: chromadb.Collection, session: str | None = None) -> None:
        self.turns = turns
        self.session = session or uuid.uuid4().hex
        # Resuming: count on from the highest number that is stored.
        stored = turns.get(where={"session": self.session}, include=["metadatas"])["metadatas"] or []
        self._numbers = itertools.count(1 + max((m["number"] for m in stored), default=0))

    def say(self, role: Role, text: str) -> str:
        number = next(self._numbers)
        turn_id = f"{self.session}:{number:05d}"
        self.turns.add(
            ids=[turn_id],
            documents=[text],
            metadatas=[{"session": self.session, "number": number, "role": role}],
        )
        return turn_id

    def __len__(self) -> int:
        return len(self.turns.get(where={"session": self.session}, include=[])["ids"])

    def recent(self, count: int) -> list[tuple[int, str, str]]:
        """The last turns in order of speaking: numbers are dense, so a range is enough."""
        total = len(self)
        window = self.turns.get(
            where={"$and": [{"session": self.session}, {"number": {"$gt": total - count}}]},
            include=["documents", "metadatas"],
        )
        return sorted((m["number"], m["role"], d) for m, d in zip(window["metadatas"], window["documents"]))

    def recall(self, text: str, *, before: int, count: int = 2, cutoff: float = 0.8) -> list[tuple[int, str, str]]:
        """Older turns that are about the same thing; the verbatim window is left out."""
        found = self.turns.query(
            query_texts=[text],
            n_results=count,
            where={"$and": [{"session": {"$eq": self.session}}, {"number": {"$lt": before}}]},
        )
        rows = zip(found["metadatas"][0], found["documents"][0], found["distances"][0])
        return sorted((m["number"], m["role"], d) for m, d, distance in rows if distance <= cutoff)

    def prompt(self, question: str, window: int = 4) -> str:
        """What a language model would be sent for the next answer."""
        last = self.recent(window)
        oldest = last[0][0] if last else 1
        parts = ["You book appointments for a clinic."]
        if older := self.recall(question, before=oldest):
            parts += ["Earlier in this conversation:", *(f"- {role}: {text}" for _, role, text in older)]
        parts += [f"{role}: {text}" for _, role, text in last]
        parts.append(f"patient: {question}")
        return "\n".join(parts)


SCRIPT: list[tuple[Role, str]] = [
    ("patient", "Hello, I am allergic to latex gloves, please note that."),
    ("assistant", "Noted: a latex allergy."),
    ("patient", "I need an appointment with the dentist."),
    ("assistant", "Dr Novak has Tuesday at nine or Thursday at four."),
    ("patient", "Thursday suits me."),
    ("assistant", "Booked for Thursday at four with Dr Novak."),
    ("patient", "Is there parking?"),
    ("assistant", "Yes, behind the building, two hours are free."),
]


def main() -> None:
    client = chromadb.Client(Settings(anonymized_telemetry=False))
    turns = client.get_or_create_collection("clinic_turns", embedding_function=TurnEmbedder())

    anna = SessionMemory(turns)
    for role, text in SCRIPT:
        anna.say(role, text)

    boris = SessionMemory(turns, session="boris")
    boris.say("patient", "I am allergic to penicillin.")
    boris.say("assistant", "Noted.")

    assert len(anna) == 8 and len(boris) == 2 and turns.count() == 10
    assert [text for _, _, text in anna.recent(2)] == ["Is there parking?", SCRIPT[-1][1]]

    prompt = anna.prompt("Will the dentist use latex gloves?")
    print(prompt)
    assert "allergic to latex gloves" in prompt, "said long ago, but it matters now"
    assert "penicillin" not in prompt, "another patient's allergy must never show up"
    assert prompt.count("Is there parking?") == 1

    # A worker that restarts resumes the session by its id and numbers on.
    resumed = SessionMemory(turns, session=anna.session)
    assert resumed.say("patient", "Thank you!").endswith(":00009")
    assert len(anna) == 9

    # Short sessions have no "earlier": nothing is recalled twice.
    assert "Earlier" not in boris.prompt("Did you note my allergy?")

    # Closing a session removes its turns and leaves the others alone.
    closed = turns.delete(where={"session": anna.session})
    assert closed["deleted"] == 9 and turns.count() == len(boris) == 2
    print(f"\nclosed session {anna.session[:8]}: {closed['deleted']} turns removed, {turns.count()} left")


if __name__ == "__main__":
    main()

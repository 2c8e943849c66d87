"""Store rich Python objects in flat metadata and get them back whole: a typed codec for an animal shelter.

Metadata values are strings, integers, floats, booleans, or lists of one of these.  Dates, decimals,
enums, None and nested things need an encoding, chosen so that filters still work: dates as day
numbers, money as cents, enums by their value, nested facts flattened or, if nobody filters by them,
as JSON.
"""
from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any, Callable, Optional, get_type_hints

import chromadb


class Species(Enum):
    DOG = "dog"
    CAT = "cat"
    PARROT = "parrot"


@dataclass
class Contact:
    name: str
    phone: Optional[str] = None


@dataclass
class Animal:
    tag: str  # becomes the id, so it is not repeated in the metadata
    species: Species
    arrived: date
    fee: Decimal
    kg: float
    chipped: bool = False
    neutered: Optional[bool] = None  # three-valued: yes, no, not known
    traits: list[str] = field(default_factory=list)
    left: Optional[date] = None
    finder: Optional[Contact] = None
    vet_log: dict[str, Any] = field(default_factory=dict)


# ---- encoders and decoders by type ---------------------------------------------------------------
def day_to_int(day: date) -> int:
    return int(day.strftime("%Y%m%d"))


def int_to_day(number: int) -> date:
    return date(number // 10_000, number // 100 % 100, number % 100)


CODECS: dict[type, tuple[Callable, Callable]] = {
    date: (day_to_int, int_to_day),
    Decimal: (lambda money: int((money * 100).to_integral_exact()), lambda cents: Decimal(cents) / 100),
    Species: (lambda species: species.value, Species),
    dict: (lambda value: json.dumps(value, sort_keys=True), json.loads),
    # chromadb hands 12.0 back as a float, but an int that was put into a float field stays an int.
    float: (float, float),
}


def unwrap(hint: Any) -> Any:
    """Optional[X] -> X, list[str] -> list, dict[str, Any] -> dict."""
    options = [option for option in getattr(hint, "__args__", ()) if option is not type(None)]
    if type(None) in getattr(hint, "__args__", ()):
        return unwrap(options[0])
    return getattr(hint, "__origin__", hint)


def encode(animal: Animal) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    hints = get_type_hints(Animal)
    for spec in dataclasses.fields(animal):
        value = getattr(animal, spec.name)
        if spec.name == "tag" or value is None or value == [] or value == {}:
            continue  # no key at all: None and empty lists cannot be added
        kind = unwrap(hints[spec.name])
        if kind is Contact:  # nested, and filtered by: one key per part
            flat |= {f"{spec.name}.{key}": part for key, part in vars(value).items() if part is not None}
        else:
            to_flat, _ = CODECS.get(kind, (lambda same: same, None))
            flat[spec.name] = to_flat(value)
    return flat


def decode(tag: str, flat: dict[str, Any]) -> Animal:
    values: dict[str, Any] = {}
    hints = get_type_hints(Animal)
    for name, hint in hints.items():
        kind = unwrap(hint)
        if kind is Contact:
            parts = {key.partition(".")[2]: v for key, v in flat.items() if key.startswith(f"{name}.")}
            if parts:
                values[name] = Contact(**parts)
        elif name in flat:
            _, from_flat = CODECS.get(kind, (None, lambda same: same))
            values[name] = from_flat(flat[name])
    return Animal(tag=tag, **values)


def changes(before: Animal, after: Animal) -> dict[str, Any]:
    """For update(): new and changed keys, and None for keys that must go."""
    old, new = encode(before), encode(after)
    return {key: new.get(key) for key in old.keys() | new.keys() if old.get(key) != new.get(key)}


def main() -> None:
    rex = Animal(
        "A-17", Species.DOG, date(2024, 2, 29), Decimal("180.50"), 31, chipped=True, neutered=False,
        traits=["calm", "pulls"], finder=Contact("R. Holm", "555-0101"), vet_log={"vaccines": ["rabies"], "teeth": None},
    )
    mo = Animal("A-18", Species.CAT, date(2024, 3, 4), Decimal("90"), 4.2, traits=["shy"], finder=Contact("police"))
    kiwi = Animal("A-19", Species.PARROT, date(2023, 12, 30), Decimal("0"), 0.4)

    shelter = chromadb.EphemeralClient().create_collection("shelter_animals", embedding_function=None)
    herd = [rex, mo, kiwi]
    shelter.add(
        ids=[animal.tag for animal in herd],
        embeddings=[[animal.kg, float(len(animal.traits))] for animal in herd],
        metadatas=[encode(animal) for animal in herd],
    )

    # What comes back is equal to what went in, type by type.
    def load(tag: str) -> Animal:
        found = shelter.get(ids=[tag], include=["metadatas"])
        return decode(tag, found["metadatas"][0])

    for animal in herd:
        assert load(animal.tag) == animal, (animal, load(animal.tag))
    assert isinstance(load("A-17").kg, float) and load("A-18").neutered is None and load("A-17").neutered is False

    # The encoding keeps filters useful.
    def tags(where: dict) -> list[str]:
        return shelter.get(where=where, include=[])["ids"]

    assert tags({"arrived": {"$gte": day_to_int(date(2024, 1, 1))}}) == ["A-17", "A-18"]
    assert tags({"fee": {"$lt": 10_000}}) == ["A-18", "A-19"]
    assert tags({"species": {"$in": [Species.DOG.value, Species.PARROT.value]}}) == ["A-17", "A-19"]
    assert tags({"traits": {"$contains": "shy"}}) == ["A-18"]
    assert tags({"finder.name": "police"}) == ["A-18"], "a dot in a key is just a character"
    assert tags({"neutered": False}) == ["A-17"], "unknown is not False"

    # Leaving: one date comes, the phone number goes.
    gone = dataclasses.replace(rex, left=date(2024, 5, 1), finder=Contact("R. Holm"), traits=["calm"])
    patch = changes(rex, gone)
    assert patch == {"left": 20240501, "finder.phone": None, "traits": ["calm"]}, patch
    shelter.update(ids=[rex.tag], metadatas=[patch])
    assert load("A-17") == gone

    # And without a codec:
    for value in (date.today(), Decimal("1"), Species.CAT, {"a": 1}, [], ["a", 1], (1, 2)):
        try:
            shelter.update(ids=["A-19"], metadatas=[{"raw": value}])
        except (ValueError, TypeError):
            continue
        raise AssertionError(f"{value!r} was stored as it is")
    print(shelter.get(ids="A-17")["metadatas"][0])
    print(load("A-17"))


if __name__ == "__main__":
    main()

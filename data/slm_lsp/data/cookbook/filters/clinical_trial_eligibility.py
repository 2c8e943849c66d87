"""Find the clinical trials that a patient may join, with a nested filter built from the patient.

A trial states what it admits (an age range, a sex, required diagnoses, excluded drugs).  Turned
around, a patient's record becomes one filter over the trials' metadata.  The nearest of the admitted
trials, by a vector of the medical fields concerned, are the ones worth discussing.
"""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import chromadb
from chromadb import Where

FIELDS = ["cardiology", "oncology", "diabetes", "lung", "nerves"]


@dataclass
class Trial:
    registry_id: str
    title: str
    weights: list[float]
    min_age: int
    max_age: int
    sex: str = "all"
    diagnoses: list[str] = field(default_factory=list)  # the patient needs one of them
    excluded_drugs: list[str] = field(default_factory=list)
    max_creatinine: float = 99.0
    recruiting: bool = True

    def metadata(self) -> dict[str, Any]:
        facts: dict[str, Any] = {
            "min_age": self.min_age,
            "max_age": self.max_age,
            "sex": self.sex,
            "max_creatinine": self.max_creatinine,
            "recruiting": self.recruiting,
        }
        # Lists must not be empty; a trial without the key simply does not restrict.
        if self.diagnoses:
            facts["diagnoses"] = self.diagnoses
        if self.excluded_drugs:
            facts["excluded_drugs"] = self.excluded_drugs
        return facts


@dataclass(frozen=True)
class Patient:
    age: int
    sex: str
    diagnoses: tuple[str, ...]
    drugs: tuple[str, ...] = ()
    creatinine: float | None = None


def all_of(*parts: Where) -> Where:
    """$and wants two parts at least."""
    return parts[0] if len(parts) == 1 else {"$and": list(parts)}


def any_of(*parts: Where) -> Where:
    return parts[0] if len(parts) == 1 else {"$or": list(parts)}


def eligibility(patient: Patient) -> Where:
    demands: list[Where] = [
        {"recruiting": True},
        {"min_age": {"$lte": patient.age}},
        {"max_age": {"$gte": patient.age}},
        {"sex": {"$in": ["all", patient.sex]}},
        any_of(*({"diagnoses": {"$contains": diagnosis}} for diagnosis in patient.diagnoses)),
    ]
    # $not_contains also holds for trials without that key: they exclude nothing.
    demands += [{"excluded_drugs": {"$not_contains": drug}} for drug in patient.drugs]
    if patient.creatinine is not None:
        demands.append({"max_creatinine": {"$gte": patient.creatinine}})
    return all_of(*demands)


TRIALS = [
    Trial("T-100", "New beta blocker in heart failure", [1, 0, 0, 0, 0], 40, 85, diagnoses=["heart failure"]),
    Trial(
        "T-101", "Insulin pump with closed loop", [0.1, 0, 1, 0, 0], 18, 65,
        diagnoses=["type 1 diabetes"], excluded_drugs=["prednisone"],
    ),
    Trial(
        "T-102", "Kidney-sparing therapy for diabetics", [0.3, 0, 0.9, 0, 0], 30, 80,
        diagnoses=["type 1 diabetes", "type 2 diabetes"], max_creatinine=1.5,
    ),
    Trial(
        "T-103", "Nerve pain in diabetic feet", [0, 0, 0.6, 0, 0.8], 18, 99,
        diagnoses=["type 2 diabetes", "neuropathy"], excluded_drugs=["gabapentin", "pregabalin"],
    ),
    Trial("T-104", "Exercise after breast cancer", [0, 1, 0, 0, 0], 25, 75, sex="female", diagnoses=["breast cancer"]),
    Trial("T-105", "Inhaler technique by phone", [0, 0, 0, 1, 0], 6, 99, diagnoses=["asthma"], recruiting=False),
]


def main() -> None:
    client = chromadb.EphemeralClient()
    trials = client.create_collection("clinical_trials", configuration={"hnsw": {"space": "cosine"}})
    trials.add(
        ids=[trial.registry_id for trial in TRIALS],
        embeddings=[trial.weights for trial in TRIALS],
        documents=[trial.title for trial in TRIALS],
        metadatas=[trial.metadata() for trial in TRIALS],
    )

    def admitted(patient: Patient) -> set[str]:
        return set(trials.get(where=eligibility(patient), include=[])["ids"])

    diabetic = Patient(age=58, sex="female", diagnoses=("type 2 diabetes",))
    assert admitted(diabetic) == {"T-102", "T-103"}

    # One more drug, one laboratory value: each takes one trial away.
    on_gabapentin = Patient(58, "female", ("type 2 diabetes",), drugs=("gabapentin", "aspirin"))
    assert admitted(on_gabapentin) == {"T-102"}
    weak_kidneys = Patient(58, "female", ("type 2 diabetes",), creatinine=2.1)
    assert admitted(weak_kidneys) == {"T-103"}

    many = Patient(64, "female", ("breast cancer", "heart failure", "type 1 diabetes"), drugs=("prednisone",))
    assert admitted(many) == {"T-100", "T-102", "T-104"}
    assert admitted(Patient(64, "male", many.diagnoses, many.drugs)) == {"T-100", "T-102"}
    assert admitted(Patient(30, "male", ("asthma",))) == set(), "the only asthma trial has closed"

    # The filter decides who may, the vector decides what comes first.
    concern = [0.1, 0.0, 1.0, 0.0, 0.0]
    shown = trials.query(
        query_embeddings=[concern], where=eligibility(many), n_results=3, include=["documents", "distances"]
    )
    assert shown["ids"][0][0] == "T-102"

    # A filter can be looked at: every leaf is one key with one operator.
    assert len(eligibility(on_gabapentin)["$and"]) == 7
    for registry_id, title, distance in zip(shown["ids"][0], shown["documents"][0], shown["distances"][0]):
        print(f"{registry_id}  {title:<40} {1 - distance:.2f}")


if __name__ == "__main__":
    main()

# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
# ---
"""Notebook: spread a few analysts' fraud labels to a thousand card payments by nearest neighbours, and measure it."""

# %% [markdown]
# # From 60 labels to 1200
# Analysts label expensively, and only what a rule has flagged. We let labels spread through the neighbourhood, but
# only where the neighbours agree, and we keep a test set out to see what that costs.

# %%
from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass

import chromadb
import numpy as np

rng = np.random.default_rng(11)
random.seed(11)

# %% [markdown]
# ## Payments
# Four behaviours: groceries, commuting, travel, and the fraud pattern - small probe, then large amounts at night abroad.

# %%
PROFILES = {
    #            log10 amount, hour, distance from home, seconds since last payment (log10)
    "groceries": ([1.4, 17.0, 0.3, 5.2], [0.25, 2.0, 0.3, 0.3]),
    "commuting": ([0.6, 8.0, 1.0, 4.6], [0.10, 0.8, 0.3, 0.3]),
    "travel": ([2.2, 13.0, 3.0, 4.0], [0.30, 4.0, 0.3, 0.5]),
    "fraud": ([2.6, 3.0, 3.3, 1.8], [0.35, 2.0, 0.4, 0.4]),
}
SHARE = {"groceries": 0.45, "commuting": 0.35, "travel": 0.14, "fraud": 0.06}


@dataclass(eq=False)  # identity is enough, and arrays cannot be compared by ==
class Payment:
    id: str
    x: np.ndarray
    truth: str


payments = []
for kind, share in SHARE.items():
    centre, spread = map(np.array, PROFILES[kind])
    for _ in range(int(1200 * share)):
        payments.append(Payment("", centre + spread * rng.normal(size=4), kind))
random.shuffle(payments)
for number, payment in enumerate(payments):
    payment.id = f"pay-{number:05d}"
print(Counter(p.truth for p in payments))

# %% [markdown]
# ## Into Chroma
# Scaled columns, one record per payment. `label` is "unknown" for nearly all; filters need a value that is there.

# %%
X = np.stack([p.x for p in payments])
X = (X - X.mean(axis=0)) / X.std(axis=0)

client = chromadb.EphemeralClient()
ledger = client.create_collection("payments", embedding_function=None, metadata={"scaled": True})
limit = min(client.get_max_batch_size(), 1000)
for at in range(0, len(payments), limit):
    chunk = payments[at : at + limit]
    ledger.add(
        ids=[p.id for p in chunk],
        embeddings=X[at : at + limit],
        metadatas=[{"label": "unknown", "by": "nobody", "confidence": 0.0, "amount": float(10 ** p.x[0])} for p in chunk],
    )
assert ledger.count() == len(payments)

# %% [markdown]
# ## What the analysts did
# Sixty labels for training, two hundred kept aside for the test (their labels are never written to the collection).
# The labels cover every kind of payment: one that nobody has looked at would be swallowed by its neighbours' label.

# %%
seeds = []
for kind, number in {"fraud": 20, "groceries": 14, "commuting": 13, "travel": 13}.items():
    seeds += random.sample([p for p in payments if p.truth == kind], number)
rest = [p for p in payments if p not in seeds]
test = {p.id: p.truth == "fraud" for p in random.sample(rest, 200)}

ledger.update(
    ids=[p.id for p in seeds],
    metadatas=[
        {"label": "fraud" if p.truth == "fraud" else "ok", "by": "analyst", "confidence": 1.0} for p in seeds
    ],
)
labelled = ledger.get(where={"by": "analyst"}, include=["metadatas"])
assert Counter(row["label"] for row in labelled["metadatas"]) == {"ok": 40, "fraud": 20}


# %% [markdown]
# ## Propagation
# In each round, every unknown payment asks its five nearest *labelled* ones. If they agree, it takes their label.

# %%
def one_round(k: int = 5, agreement: float = 1.0, radius: float = 1.0) -> int:
    unknown = ledger.get(where={"label": "unknown"}, include=["embeddings"])
    if not unknown["ids"]:
        return 0
    known = ledger.query(
        query_embeddings=unknown["embeddings"],
        n_results=k,
        where={"label": {"$in": ["fraud", "ok"]}},
        include=["metadatas", "distances"],
    )
    ids, rows = [], []
    for payment_id, neighbours, distances in zip(unknown["ids"], known["metadatas"], known["distances"]):
        near = [row["label"] for row, d in zip(neighbours, distances) if d <= radius**2]
        if len(near) < 3:
            continue  # too far from anything that a person has looked at
        (label, votes), *_ = Counter(near).most_common()
        if votes / len(near) >= agreement:
            ids.append(payment_id)
            rows.append({"label": label, "by": "neighbours", "confidence": votes / k})
    if ids:
        ledger.update(ids=ids, metadatas=rows)
    return len(ids)


# %%
history = []
while (spread := one_round()) and len(history) < 6:
    history.append(spread)
print("newly labelled per round:", history)
assert sum(history) > 1000 and history[0] == max(history)


# %% [markdown]
# ## How good is it?

# %%
def evaluate() -> dict[str, float]:
    judged = ledger.get(ids=list(test), include=["metadatas"])
    tally = Counter(
        (row["label"], test[payment_id]) for payment_id, row in zip(judged["ids"], judged["metadatas"])
    )
    flagged = tally["fraud", True] + tally["fraud", False]
    frauds = sum(test.values())
    return {
        "coverage": 1 - (tally["unknown", True] + tally["unknown", False]) / len(test),
        "precision": tally["fraud", True] / flagged if flagged else 1.0,
        "recall": tally["fraud", True] / frauds,
    }


quality = evaluate()
print({name: round(value, 2) for name, value in quality.items()})
assert quality["coverage"] > 0.7 and quality["precision"] > 0.8

# %% [markdown]
# ## What should the analysts look at next?
# Payments which are still unknown and expensive, nearest to a known fraud first.

# %%
by_hand = {"$and": [{"label": "fraud"}, {"by": "analyst"}]}
centre_of_fraud = ledger.get(where=by_hand, include=["embeddings"])["embeddings"].mean(axis=0)
queue = ledger.query(
    query_embeddings=[centre_of_fraud],
    n_results=5,
    where={"$and": [{"label": "unknown"}, {"amount": {"$gt": 100.0}}]},
    include=["metadatas", "distances"],
)
truth = {p.id: p.truth for p in payments}
print("next:", [(i, truth[i], round(row["amount"])) for i, row in zip(queue["ids"][0], queue["metadatas"][0])])
assert all(row["amount"] > 100 for row in queue["metadatas"][0])

# %% [markdown]
# ## Undo
# Labels made by neighbours can be taken back, those of people stay.

# %%
guessed = ledger.get(where={"by": "neighbours"}, include=[])["ids"]
ledger.update(ids=guessed, metadatas=[{"label": "unknown", "by": "nobody", "confidence": 0.0}] * len(guessed))
assert len(ledger.get(where={"label": {"$ne": "unknown"}}, include=[])["ids"]) == 60
client.delete_collection(ledger.name)

"""Notebook: which known exoplanets are most like Earth?  Scaling, indexing and querying a catalogue, cell by cell.

Exported from a Jupyter notebook with `# %%` cells; runs top to bottom as a script, and cell by cell in an editor.
"""

# %% [markdown]
# # Neighbours of the Earth
# Each planet is a point: radius, mass, equilibrium temperature, orbital period. These have very different ranges, so
# the interesting part is not the query but what is done to the numbers before.

# %%
import math
from textwrap import shorten

import chromadb
import numpy as np

# %%
# name, radius (Earth = 1), mass (Earth = 1), temperature in K, period in days, discovery, method
CATALOGUE = """
Kepler-22 b;     2.10;  9.1;   279; 289.9; 2011; Transit
Kepler-186 f;    1.17;  1.7;   177; 129.9; 2014; Transit
Kepler-452 b;    1.63;  3.3;   261; 384.8; 2015; Transit
TRAPPIST-1 e;    0.92;  0.69;  250;   6.1; 2017; Transit
TRAPPIST-1 f;    1.05;  1.04;  219;   9.2; 2017; Transit
Proxima Cen b;   1.03;  1.07;  218;  11.2; 2016; Radial Velocity
51 Peg b;       14.20; 150.0; 1258;   4.2; 1995; Radial Velocity
HD 209458 b;    15.60; 232.0; 1477;   3.5; 1999; Radial Velocity
WASP-12 b;      21.70; 467.0; 2593;   1.1; 2008; Transit
GJ 1214 b;       2.74;  8.2;   596;   1.6; 2009; Transit
K2-18 b;         2.61;  8.6;   255;  32.9; 2015; Transit
55 Cnc e;        1.95;  8.0;  1958;   0.7; 2004; Radial Velocity
LHS 1140 b;      1.73;  5.6;   226;  24.7; 2017; Transit
Gliese 581 c;    2.20;  5.5;   315;  12.9; 2007; Radial Velocity
"""
rows = [[cell.strip() for cell in line.split(";")] for line in CATALOGUE.strip().splitlines()]
names = [row[0] for row in rows]
numbers = np.array([[float(x) for x in row[1:5]] for row in rows])
len(names), numbers.shape

# %% [markdown]
# ## First attempt: the raw numbers

# %%
client = chromadb.EphemeralClient()
EARTH = [1.0, 1.0, 255.0, 365.25]

raw = client.get_or_create_collection("planets_raw", embedding_function=None, configuration={"hnsw": {"space": "l2"}})
raw.upsert(ids=names, embeddings=numbers.tolist())
naive = raw.query(query_embeddings=EARTH, n_results=3)["ids"][0]
print("raw:   ", naive)

# %%
# Kepler-22 b weighs nine Earths and is third, merely because it has a long year: days count for as much as kelvins.
assert naive[0] == "Kepler-452 b" and "Kepler-22 b" in naive

# %% [markdown]
# ## Second attempt: logarithms, then z-scores
# A factor of two matters as much at one Earth mass as it does at a hundred.

# %%
logs = np.log10(numbers)
mean, std = logs.mean(axis=0), logs.std(axis=0)


def features(values):
    """Catalogue units -> z-scores of the logarithms."""
    return (np.log10(np.atleast_2d(values)) - mean) / std


assert abs(features(numbers).mean()) < 1e-9

# %%
planets = client.get_or_create_collection(
    name="planets",
    embedding_function=None,
    configuration={"hnsw": {"space": "l2", "ef_construction": 200}},
    metadata={"features": "log10 radius, mass, temperature, period; z-scored", "reference": "Earth"},
)
planets.upsert(
    ids=names,
    embeddings=features(numbers),
    metadatas=[
        {"radius": float(r[1]), "mass": float(r[2]), "kelvin": int(r[3]), "year": int(r[5]), "method": r[6]} for r in rows
    ],
    documents=[f"{r[0]} was found in {r[5]} by {r[6].lower()}" for r in rows],
)
planets.peek(limit=3)["ids"]

# %%
earth = features(EARTH)
similar = planets.query(query_embeddings=earth, n_results=4, include=["distances", "metadatas", "documents"])
for name, distance, row in zip(similar["ids"][0], similar["distances"][0], similar["metadatas"][0]):
    print(f"scaled: {name:14} {math.sqrt(distance):5.2f}  {row['kelvin']:4} K  {row['mass']:5.2f} M_E")

# %%
assert set(similar["ids"][0]) >= {"Kepler-186 f", "Kepler-452 b"}
assert similar["distances"][0] == sorted(similar["distances"][0])

# %% [markdown]
# ## Questions to the catalogue

# %%
# Rocky and temperate only, then by similarity
temperate = {"$and": [{"radius": {"$lt": 1.8}}, {"kelvin": {"$gte": 200}}, {"kelvin": {"$lte": 320}}]}
candidates = planets.query(query_embeddings=earth, n_results=10, where=temperate)["ids"][0]
print("candidates:", ", ".join(candidates))
assert "Kepler-186 f" not in candidates and len(candidates) == 5  # 177 K is too cold for this list

# %%
# What is most unlike Earth?  Ask for everything, read from the end.
everything = planets.query(query_embeddings=earth, n_results=planets.count(), include=["documents"])
print("least like Earth:", shorten(everything["documents"][0][-1], 60))
assert everything["ids"][0][-1] == "WASP-12 b"

# %%
# A hot Jupiter's own neighbours, found from its stored vector; where_document leaves the first detections.
peg = planets.get(ids="51 Peg b", include=["embeddings"])["embeddings"]
jupiters = planets.query(query_embeddings=peg, n_results=3, where_document={"$not_contains": "51 Peg"})["ids"][0]
assert set(jupiters[:2]) == {"HD 209458 b", "WASP-12 b"}

# %% [markdown]
# ## Does the method of discovery show in the neighbourhood?

# %%
agree = 0
stored = planets.get(include=["metadatas", "embeddings"])
for name, row, vector in zip(stored["ids"], stored["metadatas"], stored["embeddings"]):
    near = planets.query(query_embeddings=[vector], n_results=2, include=["metadatas"])
    other = near["metadatas"][0][near["ids"][0].index(name) - 1]
    agree += other["method"] == row["method"]
share = agree / planets.count()
print(f"nearest neighbour found by the same method: {share:.0%}")
assert 0.3 < share < 0.9

# %%
for collection in client.list_collections():
    client.delete_collection(collection.name)
assert client.count_collections() == 0

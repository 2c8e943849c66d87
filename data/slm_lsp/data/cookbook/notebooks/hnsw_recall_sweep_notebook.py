#!/usr/bin/env python
# coding: utf-8
"""Notebook: how much recall do ef_search, ef_construction and max_neighbors buy?  A sweep on fingerprints of songs."""

# # HNSW parameters, measured
#
# Chroma's index is approximate. This notebook measures *how* approximate, against exact distances from numpy.
# Converted with `jupyter nbconvert --to script`.

# In[1]:


import tempfile
import time

import numpy as np

import chromadb

rng = np.random.default_rng(42)
folder = tempfile.TemporaryDirectory()


# ## Data
#
# 1500 "songs" around 60 "artists" in 48 dimensions, with much overlap between the artists.

# In[2]:


artists = rng.normal(size=(60, 48))
songs = (artists[rng.integers(0, 60, 1500)] + 1.5 * rng.normal(size=(1500, 48))).astype(np.float32)
queries = (artists[rng.integers(0, 60, 40)] + 1.5 * rng.normal(size=(40, 48))).astype(np.float32)
K = 10
squared = (queries**2).sum(1)[:, None] - 2 * queries @ songs.T + (songs**2).sum(1)
truth = np.argsort(squared, axis=1)[:, :K]
truth.shape


# ## One collection per graph
#
# `ef_construction` and `max_neighbors` are fixed when the collection is created, so each pair needs its own.

# In[3]:


class PrecomputedOnly(chromadb.EmbeddingFunction):
    """A collection created with settings but without any function counts as a legacy one, and modify() complains.
    This one has a name, and embeds nothing."""

    def __init__(self):
        self.reason = "this index takes vectors, not texts"

    def __call__(self, input):
        raise TypeError(self.reason)

    @staticmethod
    def name():
        return "precomputed-only"

    def get_config(self):
        return {}

    @staticmethod
    def build_from_config(config):
        return PrecomputedOnly()


# In[4]:


GRAPHS = {"careless": (8, 2), "medium": (40, 8), "thorough": (200, 24)}

with chromadb.PersistentClient(folder.name) as client:
    print("chroma", client.get_version(), "- batches of at most", client.get_max_batch_size())
    for name, (ef_construction, max_neighbors) in GRAPHS.items():
        graph = client.create_collection(
            name,
            embedding_function=PrecomputedOnly(),
            configuration={
                "hnsw": {
                    "space": "l2",
                    "ef_construction": ef_construction,
                    "max_neighbors": max_neighbors,
                    "ef_search": K,
                    # the brute-force buffer in front of the graph would hide the graph's errors
                    "batch_size": 50,
                    "sync_threshold": 200,
                }
            },
        )
        started = time.perf_counter()
        for start in range(0, len(songs), 500):
            part = slice(start, start + 500)
            graph.add(ids=[str(i) for i in range(start, start + 500)], embeddings=songs[part])
        print(f"{name:9} built in {time.perf_counter() - started:.2f} s")


# ## The sweep
#
# `ef_search` may be changed later with `modify`. An index which is loaded already keeps its old value, so the
# database is reopened for every setting.

# In[5]:


def recall(graph):
    found = graph.query(query_embeddings=queries, n_results=K, include=[])["ids"]
    hits = [len(set(map(int, ids)) & set(map(int, row))) for ids, row in zip(found, truth)]
    return sum(hits) / (K * len(queries))


table = {}
for ef_search in (10, 40, 160):
    with chromadb.PersistentClient(folder.name) as client:
        for name in GRAPHS:
            graph = client.get_collection(name)
            graph.modify(configuration={"hnsw": {"ef_search": ef_search}})
            assert graph.configuration["hnsw"]["ef_search"] == ef_search
            table[name, ef_search] = recall(graph)


# In[6]:


print("recall@10  ef=10   ef=40  ef=160")
for name in GRAPHS:
    print(f"{name:9}", *(f"{table[name, ef]:7.3f}" for ef in (10, 40, 160)))


# More effort helps, and neither kind of effort replaces the other:

# In[7]:


for name in ("medium", "thorough"):
    assert table[name, 10] < table[name, 40] <= table[name, 160]
assert table["careless", 160] < table["thorough", 160]
assert table["thorough", 160] > 0.97


# ## What is not adjustable

# In[8]:


client = chromadb.PersistentClient(folder.name)
best = client.get_collection("thorough")
best.modify(configuration={"hnsw": {"resize_factor": 1.5, "sync_threshold": 400, "batch_size": 60, "num_threads": 1}})
settings = client.get_collection("thorough").configuration_json["hnsw"]
assert settings["resize_factor"] == 1.5 and settings["sync_threshold"] == 400
# the graph itself and its space stay as they were
assert [settings[k] for k in ("space", "max_neighbors", "ef_construction")] == ["l2", 24, 200]


# Texts are refused, by the function and with its reason:

# In[9]:


try:
    best.query(query_texts=["la la la"])
except TypeError as error:
    print("refused:", error)
else:
    raise AssertionError("a text was embedded")


# ## Filters
#
# A selective `where` leaves few candidates, and these few are found completely.

# In[10]:


allowed = np.arange(0, 1500, 50)
best.update(ids=[str(i) for i in allowed], metadatas=[{"licensed": True}] * len(allowed))
licensed = best.query(query_embeddings=queries[:5], n_results=K, where={"licensed": True}, include=["distances"])
for query, ids, distances in zip(queries[:5], licensed["ids"], licensed["distances"]):
    wanted = allowed[np.argsort(((songs[allowed] - query) ** 2).sum(1))[:K]]
    assert set(map(int, ids)) == set(wanted.tolist()) and np.all(np.diff(distances) >= 0)


# In[11]:


client.close()
folder.cleanup()
print(f"thorough graph, ef_search=160: recall {table['thorough', 160]:.3f}")

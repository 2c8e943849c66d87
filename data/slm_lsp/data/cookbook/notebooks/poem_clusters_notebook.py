"""Notebook: group short poems by theme with k-means over vectors from Chroma, and write the named groups back."""
# %% [markdown]
# # Themes in a notebook of poems
#
# | step | where |
# |---|---|
# | embed and store | Chroma |
# | cluster | numpy, forty lines of k-means |
# | label, look up, correct | Chroma again |

# %% Imports
from collections import Counter, defaultdict

import chromadb
import numpy as np
from chromadb import Documents, EmbeddingFunction, Embeddings

# %% The poems
POEMS = {
    "p01": "snow on the cedar / snow on the silent river / winter holds its breath",
    "p02": "frost at the window / a crow crosses the white field / winter has no road",
    "p03": "ice under my boots / the river talks below snow / slow winter morning",
    "p04": "waves fold into waves / salt dries on the fishing nets / the tide takes my name",
    "p05": "a gull on the mast / the harbour smells of salt rope / tide under the boats",
    "p06": "the sea all night long / boats knock against the harbour / waves count the sleepers",
    "p07": "your letter arrived / I read love between two lines / then folded my heart",
    "p08": "we kissed on the stairs / my heart forgot the number / of your open door",
    "p09": "love is a small lamp / carried from your room to mine / careful with my heart",
    "p10": "rain on the tin roof / grandmother sorting lentils / stories in the steam",
    "p11": "grandmother's kitchen / bread and stories rise slowly / flour on the lamp",
    "p12": "stories of bread lines / grandmother folds the old coat / steam on the window",
}


# %% An embedding made of the corpus itself
class CoOccurrence(EmbeddingFunction[Documents]):
    """Words which share a poem get similar vectors: a log-scaled co-occurrence matrix, reduced by SVD."""

    def __init__(self, corpus: list[str], size: int = 6) -> None:
        self.corpus, self.size = corpus, size
        poems = [self.words(poem) for poem in corpus]
        self.vocabulary = {w: i for i, w in enumerate(sorted({w for poem in poems for w in poem}))}
        counts = np.zeros((len(self.vocabulary),) * 2)
        for poem in poems:
            for a in poem:
                for b in poem:
                    counts[self.vocabulary[a], self.vocabulary[b]] += 1
        left, strength, _ = np.linalg.svd(np.log1p(counts))
        self.table = left[:, :size] * strength[:size] ** 0.5

    @staticmethod
    def words(text: str) -> list[str]:
        # short words carry no theme, nor do these
        plain = text.replace("/", " ").replace("'s", "").split()
        return [w for w in plain if len(w) > 3 and w not in ("your", "into", "then", "over")]

    def __call__(self, input: Documents) -> Embeddings:
        known = [[self.vocabulary[w] for w in self.words(text) if w in self.vocabulary] for text in input]
        return [self.table[rows].sum(axis=0) for rows in known]

    @staticmethod
    def name() -> str:
        return "poem-co-occurrence"

    def get_config(self) -> dict:
        return {"corpus": self.corpus, "size": self.size}

    @staticmethod
    def build_from_config(config: dict) -> "CoOccurrence":
        return CoOccurrence(config["corpus"], config["size"])

    def default_space(self) -> str:
        return "cosine"


# %% Store
client = chromadb.EphemeralClient()
poems = client.create_collection("poems", embedding_function=CoOccurrence(list(POEMS.values())))
poems.add(ids=list(POEMS), documents=list(POEMS.values()), metadatas=[{"lines": p.count("/") + 1} for p in POEMS.values()])
assert poems.count() == 12

# %% Read the vectors back, on the unit sphere because the space is cosine
stored = poems.get(include=["embeddings", "documents"])
X = stored["embeddings"] / np.linalg.norm(stored["embeddings"], axis=1, keepdims=True)
X.shape


# %% k-means, with starting points far from one another
def kmeans(X: np.ndarray, k: int, rounds: int = 25) -> tuple[np.ndarray, np.ndarray]:
    centres = [X[0]]
    while len(centres) < k:
        nearest = np.max(X @ np.array(centres).T, axis=1)
        centres.append(X[int(nearest.argmin())])
    centres = np.array(centres)
    for _ in range(rounds):
        labels = (X @ centres.T).argmax(axis=1)
        centres = np.array([X[labels == c].mean(axis=0) if (labels == c).any() else centres[c] for c in range(k)])
        centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    return labels, centres


def cohesion(X, labels, centres):
    return float(np.mean(np.sum(X * centres[labels], axis=1)))


# %% How many groups?
scores = {k: cohesion(X, *kmeans(X, k)) for k in range(1, 7)}
gains = {k: scores[k] - scores[k - 1] for k in range(2, 7)}
print("cohesion:", {k: round(v, 2) for k, v in scores.items()})
assert gains[2] > gains[5] and scores[4] > 0.8

# %% Four of them
labels, centres = kmeans(X, 4)
groups = defaultdict(list)
for poem_id, label in zip(stored["ids"], labels.tolist()):
    groups[label].append(poem_id)
print("groups:", sorted(groups.values()))
assert sorted(map(len, groups.values())) == [3, 3, 3, 3]

# %% Name each group by a word that is frequent in it and absent elsewhere
everywhere = Counter(w for text in POEMS.values() for w in set(CoOccurrence.words(text)))
names = {}
for label, members in groups.items():
    inside = Counter(w for m in members for w in set(CoOccurrence.words(POEMS[m])))
    names[label] = max(inside, key=lambda w: (inside[w] ** 2 / everywhere[w], len(w)))
print("names:", names)
assert len(set(names.values())) == 4 and "winter" in names.values()

# %% Write the labels back as metadata; update() leaves documents and vectors alone
poems.update(
    ids=stored["ids"],
    metadatas=[{"theme": names[label], "typicality": float(x @ centres[label])} for label, x in zip(labels.tolist(), X)],
)
winter = poems.get(where={"theme": "winter"}, include=["metadatas"])
assert sorted(winter["ids"]) == ["p01", "p02", "p03"] and winter["metadatas"][0]["lines"] == 3

# %% The most typical poem of each theme is the one nearest to the centre
for label, theme in sorted(names.items()):
    central = poems.query(query_embeddings=centres[label], n_results=1, where={"theme": {"$eq": theme}})
    print(f"{theme:12} {central['documents'][0][0]}")
    assert central["ids"][0][0] in groups[label]

# %% Which poems sit between two themes?
uncertain = poems.get(where={"typicality": {"$lt": 0.9}}, include=["metadatas"])
for poem_id, row in zip(uncertain["ids"], uncertain["metadatas"]):
    other = poems.query(
        query_texts=POEMS[poem_id], n_results=1, where={"theme": {"$ne": row["theme"]}}, include=["metadatas", "distances"]
    )
    print(f"{poem_id} ({row['theme']}) leans to {other['metadatas'][0][0]['theme']} at {other['distances'][0][0]:.2f}")

# %% A new poem gets the theme of its nearest neighbours
new = "the tide goes out slow / nets and salt on the harbour"
votes = Counter(row["theme"] for row in poems.query(query_texts=[new], n_results=3)["metadatas"][0])
theme, count = votes.most_common(1)[0]
poems.add(ids="p13", documents=new, metadatas={"theme": theme, "votes": count, "lines": 2})
assert poems.get(ids="p04")["metadatas"][0]["theme"] == theme and count == 3

# %% Tidy up
client.delete_collection("poems")

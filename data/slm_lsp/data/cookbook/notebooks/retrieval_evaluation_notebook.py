"""Notebook: compare three embedding functions on questions about rail passenger rights by recall@k, MRR and nDCG."""

# %% [markdown]
# # Which embedding finds the right rule?
# Ten rules, twelve questions with known answers. Same collection layout, three embedding functions, three measures.

# %%
import math
import re
import zlib
from statistics import mean

import chromadb
from chromadb import EmbeddingFunction

# %%
RULES = dict(
    delay60="A delay of sixty minutes at the destination entitles to a refund of a quarter of the fare.",
    delay120="A delay of two hours or more entitles to half of the fare.",
    cancelled="If a train is cancelled the passenger may travel on another train or return free of charge.",
    hotel="If the journey cannot be continued the same night, the railway provides a hotel.",
    bicycle="Bicycles need a ticket of their own and a reserved place.",
    dog="Small dogs in a box travel free, other dogs need a ticket and a muzzle.",
    child="Children under six travel free with an adult.",
    seat="A reserved seat is kept for fifteen minutes after departure.",
    lost="Lost property is kept for four weeks at the station of arrival.",
    assist="Passengers with reduced mobility order assistance a day before the journey.",
)

# question -> relevant rules, the most relevant first
QUESTIONS = {
    "My train was late by an hour, what refund do I get?": ["delay60", "delay120"],
    "three hours delay, how much of the fare comes back": ["delay120", "delay60"],
    "The train is cancelled, may I take another?": ["cancelled"],
    "cancelation of trains and returning home": ["cancelled"],
    "stranded at night, is a hotel provided?": ["hotel"],
    "Does my bicycle need a reservation?": ["bicycle", "seat"],
    "cycling to the coast, are bikes allowed": ["bicycle"],
    "ticket for a small dog": ["dog"],
    "are kids free": ["child"],
    "somebody sits on my reserved seat": ["seat"],
    "I lost my umbrella, where is lost property kept?": ["lost"],
    "help for passengers in a wheelchair": ["assist"],
}


# %% [markdown]
# ## The candidates
# One base class for the plumbing; each candidate says what its features are.

# %%
class Features(EmbeddingFunction[list]):
    width = 2048

    def __init__(self):
        self.kind = type(self).__name__

    def features(self, text):
        """Yields (feature, weight)."""
        raise NotImplementedError

    def __call__(self, input):
        rows = []
        for text in input:
            row = [0.0] * self.width
            for feature, weight in self.features(text.lower()):
                row[zlib.adler32(feature.encode()) % self.width] += weight
            rows.append(row)
        return rows

    @classmethod
    def name(cls):
        return "rail-" + cls.__name__.lower()

    def get_config(self):
        return {"width": self.width}

    @classmethod
    def build_from_config(cls, config):
        return cls()

    def default_space(self):
        return "cosine"


class Words(Features):
    def features(self, text):
        return ((word, 1.0) for word in re.findall(r"[a-z]+", text))


class ContentWords(Features):
    stop = set("a an the of for is it in at to by my i do if on and or are may with how what does where".split())

    def features(self, text):
        return ((word, 1.0) for word in re.findall(r"[a-z]+", text) if word not in self.stop)


class Stems(ContentWords):
    """Content words, and their first four letters; synonyms of the domain are folded."""

    synonyms = {"late": "delay", "kids": "children", "bikes": "bicycle", "cycling": "bicycle", "help": "assistance"}

    def features(self, text):
        for word, _ in super().features(text):
            word = self.synonyms.get(word, word)
            yield word, 0.5
            yield word[:4] + "*", 1.0


# %% [markdown]
# ## Indexing
# The same documents three times. The collection remembers its function by name and configuration.

# %%
client = chromadb.EphemeralClient()
collections = {}
for candidate in (Words(), ContentWords(), Stems()):
    rules = client.get_or_create_collection(f"rules-{candidate.kind.lower()}", embedding_function=candidate)
    rules.upsert(ids=list(RULES), documents=list(RULES.values()), metadatas=[{"length": len(t)} for t in RULES.values()])
    collections[candidate.kind] = rules

{c.name: c.configuration_json["embedding_function"]["name"] for c in client.list_collections()}


# %% [markdown]
# ## Measures

# %%
def recall_at(k, ranked, relevant):
    return len(set(ranked[:k]) & set(relevant)) / len(relevant)


def reciprocal_rank(ranked, relevant):
    return next((1 / rank for rank, rule in enumerate(ranked, start=1) if rule in relevant), 0.0)


def ndcg(ranked, relevant, k=5):
    gain = {rule: len(relevant) - i for i, rule in enumerate(relevant)}
    dcg = sum(gain.get(rule, 0) / math.log2(rank + 1) for rank, rule in enumerate(ranked[:k], start=1))
    ideal = sum(g / math.log2(rank + 1) for rank, g in enumerate(sorted(gain.values(), reverse=True), start=1))
    return dcg / ideal


assert ndcg(["x", "a"], ["a"]) < ndcg(["a", "x"], ["a"]) == 1.0
assert reciprocal_rank(["x", "y"], ["a"]) == 0

# %% [markdown]
# ## The contest
# All questions go in one query; `include=[]` because only the order is needed.

# %%
board = {}
for kind, rules in collections.items():
    rankings = rules.query(query_texts=list(QUESTIONS), n_results=5, include=[])["ids"]
    pairs = list(zip(rankings, QUESTIONS.values()))
    board[kind] = {
        "recall@1": mean(recall_at(1, *pair) for pair in pairs),
        "recall@3": mean(recall_at(3, *pair) for pair in pairs),
        "mrr": mean(reciprocal_rank(*pair) for pair in pairs),
        "ndcg@5": mean(ndcg(*pair) for pair in pairs),
    }

for kind, row in board.items():
    print(f"{kind:13}", "  ".join(f"{measure} {value:.2f}" for measure, value in row.items()))

# %%
assert board["Words"]["mrr"] < board["ContentWords"]["mrr"] < board["Stems"]["mrr"]
assert board["Stems"]["recall@3"] > 0.9

# %% [markdown]
# ## Where does the winner still fail?

# %%
answers = collections["Stems"].query(query_texts=list(QUESTIONS), n_results=2, include=["documents", "distances"])
for question, relevant, ids, distances in zip(QUESTIONS, QUESTIONS.values(), answers["ids"], answers["distances"]):
    if ids[0] != relevant[0]:
        print(f"{question!r}: got {ids[0]} at {distances[0]:.2f}, wanted {relevant[0]}")

# A threshold for "I do not know", taken from questions that have nothing to do with rules:
strangers = collections["Stems"].query(query_texts=["pasta al dente", "who won the cup"], n_results=1)["distances"]
judged = zip(answers["distances"], answers["ids"], QUESTIONS.values())
furthest_right = max(distances[0] for distances, ids, relevant in judged if ids[0] in relevant)
nearest_stranger = min(distances[0] for distances in strangers)
assert furthest_right < nearest_stranger
print(f"say 'I do not know' above {(furthest_right + nearest_stranger) / 2:.2f}")

# %%
for rules in collections.values():
    client.delete_collection(rules.name)

'''Re-rank policy clauses: over-fetch by vector, score the candidates properly, then drop near-repeats.

The first stage (Chroma) is fast and approximate and returns three times what is needed.
The second stage reads each candidate together with the question, as a cross-encoder
would, and a last pass of maximal marginal relevance keeps the page from being filled
with five wordings of the same clause.
'''
import math
import re
from typing import NamedTuple

import chromadb
from chromadb.api.types import Documents, EmbeddingFunction, Embeddings

CLAUSES = {
    'W-01': 'Water damage from a burst pipe is covered up to 20,000.',
    'W-02': 'Damage by water from a burst pipe is covered, up to a limit of 20,000.',   # same thing, older edition
    'W-03': 'Water damage from a flood or a rising river is excluded.',
    'W-04': 'Gradual water damage, such as damp or mould, is excluded.',
    'W-05': 'The cost of finding the burst pipe is covered up to 2,000.',
    'F-01': 'Fire damage to the building is covered in full.',
    'F-02': 'Smoke damage without a fire is covered up to 5,000.',
    'T-01': 'Theft of a bicycle is covered if it was locked.',
    'T-02': 'Theft of jewellery is covered up to 3,000 without a valuation.',
    'G-01': 'Accidental breakage of window glass is covered in full.',
}


def words(text: str) -> list[str]:
    return re.findall(r'[a-z]+', text.lower())


VOCABULARY = {w: i for i, w in enumerate(sorted({w for c in CLAUSES.values() for w in words(c)}))}
DOCUMENT_FREQUENCY = {w: sum(w in words(c) for c in CLAUSES.values()) for w in VOCABULARY}


def rarity(word: str) -> float:
    return math.log(1 + len(CLAUSES) / DOCUMENT_FREQUENCY[word]) if word in VOCABULARY else 0.0


class ClauseTfIdf(EmbeddingFunction[Documents]):
    '''One dimension per word of the policy; unknown words fall away.'''

    def __init__(self): pass

    def __call__(self, input: Documents) -> Embeddings:
        out = []
        for text in input:
            v = [1e-6] * len(VOCABULARY)      # never all zeros: cosine of a zero vector is undefined
            for w in words(text):
                if w in VOCABULARY:
                    v[VOCABULARY[w]] += rarity(w)
            out.append(v)
        return out

    @staticmethod
    def name(): return 'clause-tfidf'

    def get_config(self): return {}

    @staticmethod
    def build_from_config(config): return ClauseTfIdf()

    def default_space(self): return 'cosine'


class Candidate(NamedTuple):
    id: str
    text: str
    vector: list
    similarity: float
    relevance: float = 0.0


def fetch(policy: chromadb.Collection, question: str, wanted: int, overfetch: int = 3) -> list[Candidate]:
    r = policy.query(
        query_texts=[question],
        n_results=min(wanted * overfetch, policy.count()),
        include=['documents', 'embeddings', 'distances'],
    )
    return [
        Candidate(i, doc, list(vec), 1 - dist)
        for i, doc, vec, dist in zip(r['ids'][0], r['documents'][0], r['embeddings'][0], r['distances'][0])
    ]


def cross_score(question: str, text: str) -> float:
    '''Read the pair together: rare shared words count most, shared word *pairs* count extra, and a
    question about money wants a clause with an amount in it.'''
    q, t = words(question), words(text)
    shared = sum(map(rarity, set(q) & set(t))) / sum(map(rarity, set(q)))
    pairs = len(set(zip(q, q[1:])) & set(zip(t, t[1:])))
    amount = bool(re.search(r'\bhow much\b|\blimit\b|\bcost\b', question.lower())) and bool(re.search(r'\d', text))
    return shared + 0.1 * pairs + (0.75 if amount else 0.0)


def cosine(a, b):
    return sum(x * y for x, y in zip(a, b)) / math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))


def diversify(candidates: list[Candidate], wanted: int, trade_off: float = 0.5) -> list[Candidate]:
    '''Maximal marginal relevance over the vectors that came back with the hits.'''
    top = max(c.relevance for c in candidates) or 1.0
    chosen: list[Candidate] = []
    rest = list(candidates)
    while rest and len(chosen) < wanted:
        def gain(c):
            nearest = max((cosine(c.vector, k.vector) for k in chosen), default=0.0)
            return trade_off * c.relevance / top - (1 - trade_off) * nearest
        best = max(rest, key=gain)
        chosen.append(best)
        rest.remove(best)
    return chosen


def rerank(policy, question, wanted=3):
    scored = [c._replace(relevance=cross_score(question, c.text)) for c in fetch(policy, question, wanted)]
    scored.sort(key=lambda c: c.relevance, reverse=True)
    return diversify(scored, wanted)


def main():
    policy = chromadb.EphemeralClient().create_collection('household-policy', embedding_function=ClauseTfIdf())
    assert policy.configuration_json['hnsw']['space'] == 'cosine'  # taken from default_space()
    policy.add(ids=list(CLAUSES), documents=list(CLAUSES.values()))

    question = 'How much is covered for water damage from a burst pipe?'
    plain = [c.id for c in fetch(policy, question, wanted=3)][:3]
    reranked = [c.id for c in rerank(policy, question)]
    print('vector order  :', plain)
    print('after re-rank :', reranked)
    # Plain search spends two of three places on the same clause ...
    assert {'W-01', 'W-02'} <= set(plain)
    # ... re-ranking keeps one of them and makes room for another clause with an amount.
    assert len({'W-01', 'W-02'} & set(reranked)) == 1
    assert 'W-05' in reranked

    best = rerank(policy, 'Is gradual damage by mould covered?', wanted=1)[0]
    print('mould         :', best.id, '-', best.text)
    assert best.id == 'W-04'

    # The query itself can be limited to the clauses of one earlier answer.
    within = policy.query(query_texts=['flood'], ids=[c for c in CLAUSES if c.startswith('W')], n_results=2)
    assert within['ids'][0][0] == 'W-03' and all(i.startswith('W') for i in within['ids'][0])


if __name__ == '__main__':
    main()

"""Match candidates with vacancies through SentenceTransformerEmbeddingFunction, and move it to another device later.

The `sentence_transformers` package (gigabytes, and a model to download) is stood in for by a small class; take the
stand-in out and the rest runs unchanged on the real one.
"""
import sys
import types

import numpy as np


class SentenceTransformer:
    skills = 'python sql kubernetes welding cnc forklift nursing icu paediatrics design figma'.split()

    def __init__(self, model_name_or_path, device='cpu', **kwargs):
        self.loaded_as = (model_name_or_path, device, kwargs)

    def encode(self, sentences, convert_to_numpy=True, normalize_embeddings=False):
        matrix = np.array([[s.lower().count(skill) for skill in self.skills] for s in sentences], dtype=float)
        # no two people are orthogonal
        matrix += 0.05
        if normalize_embeddings:
            matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
        return matrix


stub = types.ModuleType('sentence_transformers')
stub.SentenceTransformer = SentenceTransformer
sys.modules['sentence_transformers'] = stub

import chromadb  # noqa: E402
from chromadb.utils import embedding_functions  # noqa: E402

CANDIDATES = [
    dict(id='c-anna', text='Backend developer. Python, SQL, some kubernetes.', city='Graz', years=6, remote=True),
    dict(id='c-bela', text='CNC operator with welding certificate, forklift licence.', city='Linz', years=12, remote=False),
    dict(id='c-chen', text='ICU nursing for nine years, paediatrics before.', city='Graz', years=9, remote=False),
    dict(id='c-dara', text='Product design, figma, a little python for prototypes.', city='Wien', years=3, remote=True),
    dict(id='c-ezra', text='Data engineer: SQL, SQL and again SQL. Python.', city='Wien', years=1, remote=True),
]


def make_ef(device='cpu'):
    return embedding_functions.SentenceTransformerEmbeddingFunction(
        model_name='all-MiniLM-L6-v2',
        device=device,
        normalize_embeddings=True,
        trust_remote_code=False,  # further keyword arguments reach SentenceTransformer(...)
    )


def fill(pool):
    pool.upsert(
        ids=[c['id'] for c in CANDIDATES],
        documents=[c['text'] for c in CANDIDATES],
        metadatas=[{k: c[k] for k in ('city', 'years', 'remote')} for c in CANDIDATES],
    )


def shortlist(pool, vacancy, city=None, min_years=0, n=2):
    """Whoever lives there or works remotely, with enough years, nearest to the vacancy first."""
    conditions = [{'years': {'$gte': min_years}}]
    if city:
        conditions.append({'$or': [{'city': city}, {'remote': True}]})
    where = conditions[0] if len(conditions) == 1 else {'$and': conditions}
    hits = pool.query(query_texts=[vacancy], n_results=n, where=where, include=['distances', 'documents'])
    # normalised vectors and cosine space: 1 - distance is the cosine itself
    return [(i, round(1 - d, 2)) for i, d in zip(hits['ids'][0], hits['distances'][0])]


def main():
    client = chromadb.EphemeralClient()
    pool = client.get_or_create_collection('talent', embedding_function=make_ef(),
                                           metadata={'gdpr_review': '2025-01', 'owner': 'people-team'})
    fill(pool)
    stored = pool.peek(limit=5)['embeddings']
    assert np.allclose(np.linalg.norm(stored, axis=1), 1.0, atol=1e-5)

    data = shortlist(pool, 'SQL and Python developer wanted', city='Wien')
    print('data platform:', data)
    assert [i for i, _ in data] == ['c-ezra', 'c-anna']
    senior = shortlist(pool, 'SQL and Python developer wanted', city='Wien', min_years=5, n=1)
    assert senior[0][0] == 'c-anna'
    assert shortlist(pool, 'nursing, ICU', city='Graz', n=1)[0][0] == 'c-chen'
    assert shortlist(pool, 'welding and forklift', n=1)[0][0] == 'c-bela'

    # Only primitive keyword arguments can be persisted, others are refused at once.
    try:
        embedding_functions.SentenceTransformerEmbeddingFunction(model_name='x', tokenizer=object())
    except ValueError as e:
        assert 'tokenizer is not a primitive type' in str(e)
    else:
        raise AssertionError('a tokenizer cannot be stored')

    # The stored configuration, and the function built from it. Models are shared per name within a process.
    config = client.get_collection('talent').configuration_json['embedding_function']['config']
    assert config == {'model_name': 'all-MiniLM-L6-v2', 'device': 'cpu', 'normalize_embeddings': True,
                      'kwargs': {'trust_remote_code': False}}
    rebuilt = embedding_functions.config_to_embedding_function({'name': 'sentence_transformer', 'config': config})
    assert rebuilt._model is make_ef()._model

    # The service moves to a GPU box: the device is no part of the vector space, so it may be modified.
    pool.modify(configuration={'embedding_function': make_ef(device='cuda'), 'hnsw': {'ef_search': 200}})
    moved = client.get_collection('talent')
    assert moved.configuration_json['embedding_function']['config']['device'] == 'cuda'
    assert moved.configuration_json['hnsw']['ef_search'] == 200
    assert moved.metadata == {'gdpr_review': '2025-01', 'owner': 'people-team'}

    # A candidate withdraws, another one writes a new profile: upsert embeds only what it is given.
    pool.delete(ids=['c-ezra'])
    pool.upsert(ids=['c-dara'], documents=['Design lead: figma, design systems, design reviews.'],
                metadatas=[{'city': 'Wien', 'years': 4, 'remote': True}])
    assert shortlist(pool, 'design with figma', min_years=4, n=1)[0][0] == 'c-dara'
    assert pool.count() == 4

    # A function of another kind is refused for this collection.
    try:
        client.get_collection('talent', embedding_function=embedding_functions.HuggingFaceEmbeddingServer(url='http://x'))
    except ValueError as e:
        assert 'new: huggingface_server vs persisted: sentence_transformer' in str(e)
    else:
        raise AssertionError('another function for the same collection')
    print('talent pool:', pool.get(limit=10, include=['documents'])['ids'])


if __name__ == '__main__':
    main()

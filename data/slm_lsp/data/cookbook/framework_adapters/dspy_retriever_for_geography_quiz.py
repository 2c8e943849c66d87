'''A DSPy retrieval module over Chroma that answers geography quiz questions in two hops.'''
import tempfile

import chromadb
from chromadb.api.types import Documents, EmbeddingFunction, Embeddings

try:
    import dspy
except ImportError:
    # Enough of dspy to compose modules: Module, Retrieve, Prediction, Example
    class _Prediction(dict):
        __getattr__ = dict.__getitem__

    class _Module:
        def __call__(self, *args, **kwargs):
            return self.forward(*args, **kwargs)

    class _Retrieve(_Module):
        def __init__(self, k=3):
            self.k = k

    class dspy:
        Prediction, Example, Module, Retrieve = _Prediction, _Prediction, _Module, _Retrieve


class WordOverlap(EmbeddingFunction[Documents]):
    '''Content words hashed into 1024 slots - enough for a quiz with proper names in it.'''

    stop = set('the a an of in is are which what that on and to it has with by its at from'.split())

    def __init__(self, slots=1024):
        self.slots = slots

    def __call__(self, input: Documents) -> Embeddings:
        vectors = []
        for text in input:
            vector = [0.0] * self.slots
            for word in text.lower().replace('?', ' ').replace('.', ' ').replace(',', ' ').split():
                if word not in self.stop:
                    # sum of character codes weighted by position: stable between processes, unlike hash()
                    vector[sum(i * ord(c) for i, c in enumerate(word, 1)) % self.slots] += 1.0
            vectors.append(vector)
        return vectors

    @staticmethod
    def name():
        return 'word_overlap'

    def get_config(self):
        return {'slots': self.slots}

    @staticmethod
    def build_from_config(config):
        return WordOverlap(config['slots'])

    def default_space(self):
        return 'cosine'


class ChromaRM(dspy.Retrieve):
    '''Drop-in retriever: forward(question or questions, k) -> Prediction with .passages'''

    def __init__(self, collection_name, persist_directory, embedding_function, k=3, client=None):
        super().__init__(k=k)
        self._client = client or chromadb.PersistentClient(path=persist_directory)
        self._collection = self._client.get_or_create_collection(
            name=collection_name, embedding_function=embedding_function)

    def insert(self, passages, source):
        start = self._collection.count()
        self._collection.add(
            ids=[f'{source}-{start + n}' for n in range(len(passages))],
            documents=passages,
            metadatas=[{'source': source, 'length': len(p)} for p in passages],
        )

    def forward(self, query_or_queries, k=None, **kwargs):
        queries = [query_or_queries] if isinstance(query_or_queries, str) else list(query_or_queries)
        queries = [q for q in queries if q]
        k = k or self.k
        results = self._collection.query(query_texts=queries, n_results=k, include=['documents', 'distances'], **kwargs)
        # several queries: fuse them, each passage counts with its best distance
        best = {}
        for ids, documents, distances in zip(results['ids'], results['documents'], results['distances']):
            for passage_id, text, distance in zip(ids, documents, distances):
                if passage_id not in best or distance < best[passage_id][1]:
                    best[passage_id] = (text, distance)
        ranked = sorted(best.items(), key=lambda item: item[1][1])[:k]
        return dspy.Prediction(
            passages=[text for _, (text, _) in ranked],
            ids=[passage_id for passage_id, _ in ranked],
            distances=[distance for _, (_, distance) in ranked],
        )


class TwoHop(dspy.Module):
    '''Find the place, then ask again with what was found. With a language model, `bridge` would be a dspy.Predict.'''

    def __init__(self, retrieve, bridge):
        self.retrieve = retrieve
        self.bridge = bridge

    def forward(self, question):
        first = self.retrieve(question, k=1)
        follow_up = self.bridge(question, first.passages[0])
        second = self.retrieve([question, follow_up], k=2, where_document={'$not_contains': first.passages[0]})
        return dspy.Prediction(context=first.passages + second.passages, follow_up=follow_up)


def capitalised(question, passage):
    '''Names which the passage has and the question has not.'''
    names = [w.strip('.,') for w in passage.split() if w[0].isupper() and w.strip('.,') not in question]
    return ' '.join(names[1:] or names)


PASSAGES = [
    'Lake Titicaca lies between Peru and Bolivia.',
    'The Danube rises in Donaueschingen and reaches the sea in Romania.',
    'Bolivia has two seats of government, Sucre and La Paz.',
    'Romania joined the union in 2007, its highest mountain is Moldoveanu.',
    'Kiruna is moving because of its iron mine.',
    'Iron ore from Kiruna is shipped at Narvik, an ice-free port of Norway.',
    'Sucre is known for white houses and chocolate.',
]

TRAINSET = [
    dspy.Example(question='Which lake lies between Peru and Bolivia?', gold='Titicaca'),
    dspy.Example(question='The town that is moving because of a mine?', gold='Kiruna'),
    dspy.Example(question='Highest mountain of the country where the Danube reaches the sea?', gold='Moldoveanu'),
    dspy.Example(question='Seats of government beside the lake Titicaca?', gold='Sucre'),
]


def hit_rate(program, examples):
    return sum(any(e.gold in text for text in program(e.question)) for e in examples) / len(examples)


def main():
    with tempfile.TemporaryDirectory() as folder:
        rm = ChromaRM('atlas', folder, WordOverlap(), k=1)
        rm.insert(PASSAGES[:4], source='school')
        rm.insert(PASSAGES[4:], source='travel')
        assert rm('ice-free port?').passages == [PASSAGES[5]]
        assert rm('ice-free port?', k=2, where={'source': 'school'}).ids[0].startswith('school')

        one_hop = hit_rate(lambda question: rm(question).passages, TRAINSET)
        program = TwoHop(rm, capitalised)
        two_hop = hit_rate(lambda question: program(question).context, TRAINSET)
        assert one_hop < two_hop == 1.0, (one_hop, two_hop)

        answer = program('Highest mountain of the country where the Danube reaches the sea?')
        assert answer.follow_up == 'Donaueschingen Romania'
        assert len(set(answer.context)) == 3 and 'Moldoveanu' in answer.context[1]

        # several questions at once are fused, without doubles
        fused = rm(['Kiruna iron', 'iron mine', ''], k=2)
        assert fused.distances == sorted(fused.distances) and len(set(fused.ids)) == 2
        rm._client.close()
        print(f'one hop {one_hop:.0%}, two hops {two_hop:.0%}: {answer.context[1]}')


if __name__ == '__main__':
    main()

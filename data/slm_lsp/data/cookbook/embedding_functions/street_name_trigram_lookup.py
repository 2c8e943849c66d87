'''Correct misspelt street names for a parcel depot with a character-trigram embedding function that survives restarts.

The collection lives on disk. The embedding function is written into the collection's configuration by name, so
every program that opens the depot's database must have the class registered; the second half shows what happens
in a program that forgot.
'''
import hashlib
import tempfile
from collections import Counter

import chromadb
from chromadb.api.types import Documents, EmbeddingFunction, Embeddings
from chromadb.utils import embedding_functions as ef_registry

STREETS = [
    ('Königsallee', '40212', 'van'), ('Kaiserstraße', '60311', 'bike'), ('Kantstraße', '10623', 'bike'),
    ('Karl-Marx-Allee', '10178', 'van'), ('Leopoldstraße', '80802', 'van'), ('Ludwigstraße', '80539', 'bike'),
    ('Schillerstraße', '60313', 'bike'), ('Schildergasse', '50667', 'foot'), ('Hohe Straße', '50667', 'foot'),
    ('Mönckebergstraße', '20095', 'van'),
]


class TrigramFunction(EmbeddingFunction[Documents]):

    def __init__(self, n=3, size=512):
        self.n = n
        self.size = size

    def __call__(self, input: Documents) -> Embeddings:
        return [self._vector(word) for word in input]

    def _fold(self, text):
        # what people type on a depot scanner: no umlauts, "str." for "straße"
        table = str.maketrans({'ä': 'ae', 'ö': 'oe', 'ü': 'ue', 'ß': 'ss', '-': ' '})
        folded = text.lower().translate(table).replace('str.', 'strasse')
        return f'^{folded}$'

    def _vector(self, text):
        folded = self._fold(text)
        grams = Counter(folded[i:i + self.n] for i in range(len(folded) - self.n + 1))
        vector = [0.0] * self.size
        for gram, times in grams.items():
            slot = int.from_bytes(hashlib.blake2s(gram.encode(), digest_size=4).digest(), 'big') % self.size
            # 'strasse' is in half of all names: let its trigrams count less
            vector[slot] += times * (0.3 if gram in 'strasse$' else 1.0)
        return vector

    @staticmethod
    def name():
        return 'street_trigrams'

    @staticmethod
    def build_from_config(config):
        return TrigramFunction(n=config['n'], size=config['size'])

    def get_config(self):
        return {'n': self.n, 'size': self.size}

    def default_space(self):
        return 'cosine'

    def validate_config_update(self, old_config, new_config):
        # a changed n or size would leave the stored vectors behind
        if old_config != new_config:
            raise ValueError(f'street_trigrams cannot change from {old_config} to {new_config}')


ef_registry.register_embedding_function(TrigramFunction)


def load(path):
    with chromadb.PersistentClient(path=path) as client:
        streets = client.get_or_create_collection(
            name='streets',
            metadata={'source': 'depot 7', 'updated': '2024-03'},
            embedding_function=TrigramFunction(),
        )
        streets.upsert(
            ids=[f'{code}/{street}' for street, code, _ in STREETS],
            documents=[street for street, _, _ in STREETS],
            metadatas=[{'postcode': code, 'vehicle': vehicle} for _, code, vehicle in STREETS],
        )
        return streets.count()


def correct(collection, scribble, vehicle=None):
    hit = collection.query(
        query_texts=[scribble],
        n_results=1,
        where=None if vehicle is None else {'vehicle': {'$eq': vehicle}},
        include=['documents', 'distances'],
    )
    return hit['documents'][0][0], round(hit['distances'][0][0], 3)


def main():
    with tempfile.TemporaryDirectory() as depot:
        assert load(depot) == len(STREETS)

        # "the next morning": a fresh client, no embedding function named
        client = chromadb.PersistentClient(path=depot)
        streets = client.get_collection('streets')
        for scribble, expected in [('Koenigsalee', 'Königsallee'), ('Schilerstr.', 'Schillerstraße'),
                                   ('monkebergstrasse', 'Mönckebergstraße'), ('karl marx alee', 'Karl-Marx-Allee')]:
            found, distance = correct(streets, scribble)
            print(f'{scribble:18} -> {found:18} {distance}')
            assert found == expected and distance < 0.6
        assert correct(streets, 'Schilerstr.', vehicle='foot')[0] == 'Schildergasse'

        # a program which never imported the class cannot embed anything ...
        forgotten = ef_registry.known_embedding_functions.pop('street_trigrams')
        stranger = client.get_collection('streets', embedding_function=None)
        try:
            stranger.query(query_texts=['Kantstr.'], n_results=1)
        except ValueError as error:
            assert 'register_embedding_function' in str(error)
        else:
            raise AssertionError('an unknown function must not be replaced silently')
        # ... but may still read and filter
        assert len(stranger.get(where={'postcode': '50667'})['ids']) == 2
        ef_registry.register_embedding_function(forgotten)

        # changing the function's parameters in place is what validate_config_update is for
        assert ef_registry.config_to_embedding_function(
            {'name': 'street_trigrams', 'config': {'n': 2, 'size': 64}}).n == 2
        try:
            TrigramFunction(n=2).validate_config_update(streets.configuration_json['embedding_function']['config'],
                                                        TrigramFunction(n=2).get_config())
        except ValueError as error:
            print('kept:', error)
        else:
            raise AssertionError('n is fixed once vectors are stored')
        client.close()


if __name__ == '__main__':
    main()

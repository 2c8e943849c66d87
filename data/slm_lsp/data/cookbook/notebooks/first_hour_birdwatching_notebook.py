#!/usr/bin/env python
# coding: utf-8
'''Notebook: the first hour with Chroma - every collection method once, on a birdwatcher's journal.'''

# # My first hour with Chroma
#
# A journal of bird sightings. Every cell tries one method, and asserts what I learned.

# In[1]:

# get_ipython().run_line_magic('pip', 'install -q chromadb')
import chromadb

client = chromadb.EphemeralClient()
client.heartbeat()  # nanoseconds: it is alive

# ## An embedding function
#
# The default one downloads a model. For trying things out three letters in a row do: words that are spelled alike are
# neighbours.

# In[2]:

from chromadb import Documents, EmbeddingFunction, Embeddings


class LetterTriples(EmbeddingFunction[Documents]):
    def __init__(self, dims=300):
        self.dims = dims

    def __call__(self, input: Documents) -> Embeddings:
        rows = []
        for text in input:
            letters = ''.join(c for c in text.lower() if c.isalpha())
            row = [0.0] * self.dims
            for a, b, c in zip(letters, letters[1:], letters[2:]):
                row[(ord(a) * 961 + ord(b) * 31 + ord(c)) % self.dims] += 1.0
            rows.append(row)
        return rows

    @staticmethod
    def name():
        return 'letter_triples'

    def get_config(self):
        return dict(dims=self.dims)

    @staticmethod
    def build_from_config(config):
        return LetterTriples(**config)

    def default_space(self):
        return 'cosine'

# ## Making a collection

# In[3]:

journal = client.create_collection('journal', embedding_function=LetterTriples(), metadata={'observer': 'Ines'})
journal.name, journal.id, journal.metadata

# In[4]:

# Twice is an error, unless get_or_create
try:
    client.create_collection('journal', embedding_function=LetterTriples())
except chromadb.errors.ChromaError as e:
    print(type(e).__name__, '-', e)
else:
    raise AssertionError('the name was free')
again = client.create_collection('journal', embedding_function=LetterTriples(), get_or_create=True)
assert again.id == journal.id

# ## add

# In[5]:

journal.add(
    ids=['s1', 's2', 's3', 's4', 's5'],
    documents=[
        'Two kingfishers at the weir, very blue',
        'A heron standing in the reeds',
        'Kingfisher again, with a fish',
        'Starlings by the thousand over the reeds',
        'Blackbird singing before dawn',
    ],
    metadatas=[
        {'place': 'river', 'count': 2, 'month': 4},
        {'place': 'lake', 'count': 1, 'month': 4},
        {'place': 'river', 'count': 1, 'month': 5},
        {'place': 'lake', 'count': 3000, 'month': 10},
        {'place': 'garden', 'count': 1, 'month': 5},
    ],
)
journal.count()

# In[6]:

# One record needs no lists
journal.add(ids='s6', documents='Wren in the hedge', metadatas={'place': 'garden', 'count': 1, 'month': 1})
# ... and an id that exists is left alone, without a word
journal.add(ids='s6', documents='Ostrich in the hedge')
assert journal.get(ids='s6')['documents'] == ['Wren in the hedge']

# ## peek and get

# In[7]:

journal.peek(limit=2)['documents']

# In[8]:

journal.get(where={'place': 'lake'})

# In[9]:

# nothing but ids, two at a time
first, second = (journal.get(limit=2, offset=o, include=[])['ids'] for o in (0, 2))
assert len(first) == len(second) == 2 and not set(first) & set(second)

# In[10]:

# numbers compare, conditions combine
spring = {'$and': [{'month': {'$gte': 4}}, {'month': {'$lte': 5}}, {'place': {'$ne': 'garden'}}]}
assert journal.get(where=spring, include=[])['ids'] == ['s1', 's2', 's3']
assert journal.get(where_document={'$contains': 'reeds'}, include=[])['ids'] == ['s2', 's4']
assert journal.get(where_document={'$regex': '[Kk]ingfishers? '}, include=[])['ids'] == ['s1', 's3']

# In[11]:

# embeddings only come when asked for, as a numpy array
assert journal.get(ids=['s1'])['embeddings'] is None
assert journal.get(ids=['s1', 's2'], include=['embeddings'])['embeddings'].shape == (2, 300)

# ## query

# In[12]:

result = journal.query(query_texts=['kingfisher', 'heron'], n_results=2)
for text, ids, distances in zip(['kingfisher', 'heron'], result['ids'], result['distances']):
    print(f'{text:11}', [f'{i} {d:.2f}' for i, d in zip(ids, distances)])
assert set(result['ids'][0]) == {'s1', 's3'} and result['ids'][1][0] == 's2'

# In[13]:

# the same, within the lake's sightings, and among named records
assert journal.query(query_texts='reeds', n_results=1, where={'count': {'$gt': 100}})['ids'] == [['s4']]
assert journal.query(query_texts='kingfisher', n_results=3, ids=['s2', 's5'])['ids'][0][0] in ('s2', 's5')

# ## update and upsert

# In[14]:

journal.update(ids='s3', metadatas={'count': 2})
assert journal.get(ids='s3')['metadatas'] == [{'place': 'river', 'count': 2, 'month': 5}]
journal.update(ids='s99', documents='never seen')  # unknown: ignored
assert journal.count() == 6

# In[15]:

journal.upsert(
    ids=['s6', 's7'],
    documents=['Wren in the hedge, nesting', 'Swifts are back'],
    metadatas=[{'month': 2}, {'place': 'town', 'count': 12, 'month': 5}],
)
assert journal.count() == 7
assert journal.query(query_texts='swift', n_results=1)['ids'] == [['s7']]

# ## delete

# In[16]:

assert journal.delete(where={'month': 5}, limit=1) == {'deleted': 1}  # one of three
journal.delete(ids=['s1'])
journal.delete(where_document={'$contains': 'hedge'})
journal.count()

# ## modify, list, reopen

# In[17]:

journal.modify(name='journal-2024', metadata={'observer': 'Ines', 'year': 2024})
[c.name for c in client.list_collections()]

# In[18]:

reopened = client.get_collection('journal-2024')
assert reopened.id == client.get_collection_by_id(journal.id).id
assert reopened.metadata == {'observer': 'Ines', 'year': 2024}
assert reopened.configuration['embedding_function'].dims == 300  # rebuilt from what is stored

# In[19]:

print(reopened.count(), 'sightings left in', client.count_collections(), 'collection')
client.delete_collection('journal-2024')
assert client.list_collections() == []

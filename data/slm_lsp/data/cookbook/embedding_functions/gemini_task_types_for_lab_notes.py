'''Search laboratory notes with GoogleGeminiEmbeddingFunction, using one task type for storing and another for asking.

Gemini's embeddings depend on `task_type`. The collection is bound to RETRIEVAL_DOCUMENT; questions are embedded by a
second function with RETRIEVAL_QUERY and passed as query_embeddings.
The google-genai client is replaced by a stand-in, so nothing leaves the machine.
'''
import os
import sys
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace

import chromadb
from chromadb.utils.embedding_functions import GoogleGeminiEmbeddingFunction


# --- stand-in for `google.genai` -----------------------------------------------------------------
@dataclass
class HttpOptions:
    headers: dict = field(default_factory=dict)


@dataclass
class EmbedContentConfig:
    task_type: str | None = None
    output_dimensionality: int | None = None


class Client:
    calls: list = []

    def __init__(self, api_key=None, vertexai=None, project=None, location=None, http_options=None):
        self.where = f'{project}/{location}' if vertexai else 'ai-studio'
        self.models = self

    def embed_content(self, *, model, contents, config):
        Client.calls.append((config.task_type, len(contents)))
        if any(not text.strip() for text in contents):
            raise RuntimeError('400 INVALID_ARGUMENT: empty content')
        terms = ('buffer', 'ph', 'gel', 'pcr', 'primer', 'centrifuge', 'plasmid', 'colony', 'freezer', 'mouse')
        question_axis = {'RETRIEVAL_QUERY': -1.0, 'QUESTION_ANSWERING': -1.0}.get(config.task_type, 0.0)
        embeddings = []
        for text in contents:
            low = ' '.join(text.lower().split())
            values = [low.count(term) * 1.0 for term in terms]
            # asked with a '?', a text resembles other questions unless the task type says that it is a query
            values.append(max(0.0, 2.0 * low.count('?') + question_axis * 2.0 * low.count('?')))
            values += [0.01] * ((config.output_dimensionality or 128) - len(values))
            embeddings.append(SimpleNamespace(values=values))
        return SimpleNamespace(embeddings=embeddings)


google, genai, genai_types = ModuleType('google'), ModuleType('google.genai'), ModuleType('google.genai.types')
genai.Client, genai.types, google.genai = Client, genai_types, genai
genai_types.HttpOptions, genai_types.EmbedContentConfig = HttpOptions, EmbedContentConfig
sys.modules.update({'google': google, 'google.genai': genai, 'google.genai.types': genai_types})
# -------------------------------------------------------------------------------------------------

NOTES = {
    '2024-03-01/a': ('Made fresh running buffer, ph 8.3, gel ran well.', 'ito'),
    '2024-03-01/b': ('PCR failed again. Ordered new primer pair.', 'vega'),
    '2024-03-04/a': ('PCR worked with the new primer, one clean band on the gel.', 'vega'),
    '2024-03-05/a': ('Plasmid prep: centrifuge at 4 degrees, 12 colony picks.', 'ito'),
    '2024-03-06/a': ('Freezer alarm at night, moved the mouse tissue.', 'okafor'),
    '2024-03-07/a': ('Open questions? Who pays? When is the audit? Which room?', 'okafor'),
}


def embedder(task_type):
    return GoogleGeminiEmbeddingFunction(
        model_name='gemini-embedding-001',
        task_type=task_type,
        dimension=128,
        api_key_env_var='LAB_GEMINI_KEY',
    )


class LabNotebook:
    def __init__(self, client):
        self.notes = client.get_or_create_collection(
            name='lab-notes',
            embedding_function=embedder('RETRIEVAL_DOCUMENT'),
        )
        self.ask_with = embedder('RETRIEVAL_QUERY')

    def write(self, key, text, author):
        day = int(key.partition('/')[0].replace('-', ''))  # numbers can be compared, strings cannot
        self.notes.upsert(ids=[key], documents=[text], metadatas=[{'author': author, 'day': day}])

    def ask(self, question, k=1, since=None, author=None):
        conditions = []
        if since is not None:
            conditions.append({'day': {'$gte': since}})
        if author is not None:
            conditions.append({'author': author})
        where = {'$and': conditions} if len(conditions) > 1 else conditions[0] if conditions else None
        found = self.notes.query(query_embeddings=self.ask_with([question]), n_results=k, where=where)
        return found['ids'][0]


def main():
    os.environ['LAB_GEMINI_KEY'] = 'offline'
    client = chromadb.EphemeralClient()
    book = LabNotebook(client)
    for key, (text, author) in NOTES.items():
        book.write(key, text, author)
    assert Client.calls == [('RETRIEVAL_DOCUMENT', 1)] * 6

    question = 'Which primer? Did the PCR fail?? Why???'
    assert book.ask(question) == ['2024-03-01/b']
    assert Client.calls[-1] == ('RETRIEVAL_QUERY', 1)
    assert book.ask(question, since=20240302) == ['2024-03-04/a']
    assert book.ask('gel and buffer?', author='ito', since=20240301) == ['2024-03-01/a']

    # The same question through query_texts is embedded as a document, and finds the page of open questions.
    naive = book.notes.query(query_texts=[question], n_results=1)
    assert naive['ids'] == [['2024-03-07/a']]
    print('as a document:', naive['ids'][0][0], '- as a query:', book.ask(question)[0])

    # The stored configuration remembers task and dimension, the key only by its variable's name.
    config = client.get_collection('lab-notes').configuration_json['embedding_function']['config']
    assert (config['task_type'], config['dimension']) == ('RETRIEVAL_DOCUMENT', 128)
    assert 'offline' not in str(config)
    assert book.notes.get(limit=1, include=['embeddings'])['embeddings'].shape == (1, 128)

    # Vendor errors arrive as ValueError with the vendor's words in them.
    try:
        book.write('2024-03-08/a', ' ', 'ito')
    except ValueError as error:
        assert 'INVALID_ARGUMENT' in str(error)
    else:
        raise AssertionError('an empty note was embedded')
    assert book.notes.count() == 6

    # Vertex AI takes a project and a location instead of a key, never both.
    vertex = GoogleGeminiEmbeddingFunction(
        vertexai=True, project='uni-lab', location='europe-west4', api_key_env_var=None)
    assert vertex.client.where == 'uni-lab/europe-west4'
    try:
        GoogleGeminiEmbeddingFunction(vertexai=True, project='uni-lab', location='europe-west4',
                                      api_key_env_var='LAB_GEMINI_KEY')
    except ValueError as error:
        print('refused:', error)
    else:
        raise AssertionError('a key and Vertex AI exclude each other')


if __name__ == '__main__':
    main()

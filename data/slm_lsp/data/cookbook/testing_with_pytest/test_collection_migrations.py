'''Test a small migration runner for a museum: numbered steps, recorded in metadata, safe to repeat, with a rollback.

Also pins down which idioms of Chroma 0.4 no longer work, so that whoever upgrades meets them here first.
'''
import chromadb
import pytest
from chromadb import Documents, EmbeddingFunction, Embeddings
from chromadb.config import Settings

# ---------------------------------------------------------------------------------- the runner
STEPS = {}


class MigrationError(Exception):
    pass


def step(number):
    def register(function):
        assert number not in STEPS, f'two steps numbered {number}'
        STEPS[number] = function
        return function
    return register


def version_of(collection):
    return (collection.metadata or {}).get('schema_version', 0)


def pages(collection, size=2, **kwargs):
    """Read in pages: a museum has more objects than one response should carry."""
    offset = 0
    while True:
        page = collection.get(limit=size, offset=offset, **kwargs)
        if not page['ids']:
            return
        yield page
        offset += size


@step(1)
def year_becomes_a_number(client, old):
    """'ca. 1650' -> year 1650, circa True"""
    for page in pages(old, include=['metadatas']):
        rows = []
        for row in page['metadatas']:
            text = str(row['year'])
            rows.append({'year': int(text.split()[-1]), 'circa': text.startswith('ca.')})
        old.update(ids=page['ids'], metadatas=rows)
    return old


@step(2)
def tags_become_a_list(client, old):
    """'oil,portrait' -> ['oil', 'portrait']"""
    for page in pages(old, include=['metadatas']):
        old.update(ids=page['ids'], metadatas=[{'tags': row['tags'].split(',')} for row in page['metadatas']])
    return old


@step(3)
def distance_becomes_cosine(client, old):
    """The space is fixed at creation: build a new collection beside the old one, then swap names."""
    new = client.create_collection(f'{old.name}.next', metadata=old.metadata, embedding_function=None,
                                   configuration={'hnsw': {'space': 'cosine'}})
    for page in pages(old, include=['embeddings', 'metadatas', 'documents']):
        new.add(ids=page['ids'], embeddings=page['embeddings'], metadatas=page['metadatas'], documents=page['documents'])
    if new.count() != old.count():
        raise MigrationError('copy is incomplete')
    name = old.name
    old.modify(name=f'{name}.before-3')
    new.modify(name=name)
    return new


def migrate(client, name, to=None):
    collection = client.get_collection(name, embedding_function=None)
    for number in sorted(STEPS):
        if version_of(collection) < number <= (to or max(STEPS)):
            collection = STEPS[number](client, collection)
            # modify() replaces metadata as a whole, so keep what is there
            collection.modify(metadata={**(collection.metadata or {}), 'schema_version': number})
    return collection


# ----------------------------------------------------------------------------------- fixtures
PAINTINGS = {
    'nw-1': ('The Night Watch', '1642', 'oil,militia', [3.0, 1.0]),
    'gp-2': ('Girl with a Pearl Earring', 'ca. 1665', 'oil,portrait', [0.2, 0.1]),
    'wl-3': ('Water Lilies', '1919', 'oil,garden', [0.1, 4.0]),
}


@pytest.fixture
def museum():
    with chromadb.EphemeralClient(Settings(allow_reset=True)) as client:
        old = client.create_collection('objects', metadata={'curator': 'Vos'}, embedding_function=None)
        old.add(
            ids=list(PAINTINGS),
            documents=[title for title, *_ in PAINTINGS.values()],
            embeddings=[vector for *_, vector in PAINTINGS.values()],
            metadatas=[{'year': year, 'tags': tags} for _, year, tags, _ in PAINTINGS.values()],
        )
        yield client
        client.reset()


# -------------------------------------------------------------------------------------- tests
@pytest.mark.parametrize('target', [1, 2, 3])
def test_each_version_is_reached_and_recorded(museum, target):
    assert version_of(migrate(museum, 'objects', to=target)) == target
    reread = museum.get_collection('objects', embedding_function=None)
    assert reread.metadata == {'curator': 'Vos', 'schema_version': target}


def test_years_and_tags_can_be_filtered_afterwards(museum):
    objects = migrate(museum, 'objects', to=1)
    assert objects.get(where={'year': {'$lt': 1700}}, include=[])['ids'] == ['nw-1', 'gp-2']
    assert objects.get(where={'circa': True})['documents'] == ['Girl with a Pearl Earring']
    objects = migrate(museum, 'objects', to=2)
    assert objects.get(where={'tags': {'$contains': 'garden'}})['ids'] == ['wl-3']


def test_new_space_changes_the_ranking(museum):
    probe = {'query_embeddings': [[0.3, 0.1]], 'n_results': 2, 'include': []}
    before = museum.get_collection('objects', embedding_function=None).query(**probe)['ids'][0]
    after = migrate(museum, 'objects').query(**probe)['ids'][0]
    assert before == ['gp-2', 'nw-1'] and after == ['nw-1', 'gp-2']


def test_old_collection_is_kept_for_a_rollback(museum):
    first = migrate(museum, 'objects')
    assert {c.name for c in museum.list_collections()} == {'objects', 'objects.before-3'}
    backup = museum.get_collection('objects.before-3', embedding_function=None)
    assert version_of(backup) == 2 and backup.count() == 3
    # running again does nothing more
    assert migrate(museum, 'objects').id == first.id and museum.count_collections() == 2


def test_failure_stops_at_the_last_good_version(museum, monkeypatch):
    monkeypatch.setitem(STEPS, 2, lambda client, old: old.update(ids=['nw-1'], metadatas=[{}, {}]))
    with pytest.raises(ValueError):
        migrate(museum, 'objects')
    assert version_of(museum.get_collection('objects', embedding_function=None)) == 1


# ------------------------------------------------------- what changed since 0.4, as tests
def test_duckdb_is_gone(tmp_path):
    with pytest.raises(ValueError, match='deprecated configuration'):
        chromadb.Client(Settings(chroma_db_impl='duckdb+parquet', persist_directory=str(tmp_path)))


def test_persist_is_gone_because_every_write_persists(museum, tmp_path):
    with pytest.raises(AttributeError):
        museum.persist()
    with chromadb.PersistentClient(tmp_path) as writer:
        writer.create_collection('drawings', embedding_function=None).add(ids=['d'], embeddings=[[1.0]])
    with chromadb.PersistentClient(tmp_path) as reader:
        assert reader.count_collections() == 1


def test_embedding_functions_of_0_4_are_refused(museum):
    class OldStyle:
        def __call__(self, texts):
            return [[0.0, 0.0] for _ in texts]

    with pytest.warns(DeprecationWarning, match='legacy embedding function'):
        with pytest.raises(ValueError, match='to have the following signature'):
            museum.create_collection('legacy', embedding_function=OldStyle())
    # the check comes after the creation: do not leave the empty collection behind
    museum.delete_collection('legacy')

    class NewStyle(EmbeddingFunction[Documents]):
        def __init__(self):
            self.width = 2

        def __call__(self, input: Documents) -> Embeddings:
            return [[float(len(text)), 1.0] for text in input]

        name = staticmethod(lambda: 'text-length')
        build_from_config = staticmethod(lambda config: NewStyle())

        def get_config(self):
            return {}

    modern = museum.create_collection('modern', embedding_function=NewStyle())
    modern.add(ids=['a', 'b'], documents=['short', 'considerably longer'])
    assert modern.query(query_texts=['tiny'], n_results=1)['ids'] == [['a']]


def test_two_conditions_need_an_explicit_and(museum):
    objects = museum.get_collection('objects', embedding_function=None)
    with pytest.raises(ValueError, match='exactly one operator'):
        objects.get(where={'year': '1642', 'tags': 'oil,militia'})
    assert objects.get(where={'$and': [{'year': '1642'}, {'tags': 'oil,militia'}]})['ids'] == ['nw-1']


if __name__ == '__main__':
    raise SystemExit(pytest.main([__file__, '-q']))

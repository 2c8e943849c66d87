"""Test that a beekeeper's hive log survives restarts, using tmp_path, a golden database copied per test, and close()."""
import shutil
import sqlite3
from pathlib import Path

import chromadb
import pytest
from chromadb import Documents, EmbeddingFunction, Embeddings
from chromadb.utils.embedding_functions import known_embedding_functions, register_embedding_function


@register_embedding_function
class HiveWords(EmbeddingFunction[Documents]):
    """Four axes: brood, honey, illness, temper."""

    axes = ('brood larva queen eggs'.split(), 'honey super frames capped'.split(),
            'mites varroa dead dysentery'.split(), 'calm angry stung swarming'.split())

    def __init__(self):
        pass

    def __call__(self, input: Documents) -> Embeddings:
        return [[0.1 + sum(w.strip('.,') in axis for w in text.lower().split()) for axis in self.axes] for text in input]

    @staticmethod
    def name():
        return 'hive_words'

    def get_config(self):
        return {'axes': len(self.axes)}

    @staticmethod
    def build_from_config(config):
        # a log written by a release with other axes must not be read with these
        if config['axes'] != len(HiveWords.axes):
            raise ValueError('written with other axes')
        return HiveWords()


ENTRIES = [
    ('h1-0401', 'Queen seen, eggs and larva on five frames.', 1, '04-01'),
    ('h1-0502', 'Second honey super on, half of it capped.', 1, '05-02'),
    ('h2-0502', 'Angry, I was stung twice, swarming cells.', 2, '05-02'),
    ('h2-0715', 'Many mites, dead bees on the board.', 2, '07-15'),
]


def open_log(path):
    client = chromadb.PersistentClient(path=path)
    return client, client.get_or_create_collection('hive_log', embedding_function=HiveWords())


@pytest.fixture(scope='module')
def golden(tmp_path_factory) -> Path:
    """Build the example database once. Nobody opens it again: tests work on copies."""
    path = tmp_path_factory.mktemp('golden')
    client, log = open_log(path)
    log.add(ids=[e[0] for e in ENTRIES], documents=[e[1] for e in ENTRIES],
            metadatas=[{'hive': hive, 'date': date} for *_, hive, date in ENTRIES])
    # without close() the copy could miss what is still in sqlite's write-ahead file
    client.close()
    return path


@pytest.fixture
def apiary(golden, tmp_path):
    copy = tmp_path / 'apiary'
    shutil.copytree(golden, copy)
    return copy


@pytest.fixture
def reopen(apiary):
    """A function that opens the copy anew; everything is closed after the test, whatever happens in it."""
    opened = []

    def _reopen():
        while opened:
            opened.pop().close()
        client = chromadb.PersistentClient(path=str(apiary))
        opened.append(client)
        return client.get_collection('hive_log')

    yield _reopen
    for client in opened:
        client.close()


def test_entries_are_there_after_a_restart(reopen):
    log = reopen()
    assert log.count() == len(ENTRIES)
    assert log.get(ids='h2-0715')['documents'] == ['Many mites, dead bees on the board.']


def test_search_works_after_a_restart(reopen):
    found = reopen().query(query_texts=['varroa mites?'], n_results=1)
    assert found['ids'] == [['h2-0715']]


def test_deletion_is_durable(reopen):
    assert reopen().delete(where={'hive': 2}) == {'deleted': 2}
    assert sorted(reopen().get()['ids']) == ['h1-0401', 'h1-0502']


def test_update_is_durable(reopen):
    log = reopen()
    log.update(ids=['h1-0502'], metadatas=[{'kilos': 11.5}])
    # update merges: hive and date are still there
    assert reopen().get(ids=['h1-0502'])['metadatas'] == [{'hive': 1, 'date': '05-02', 'kilos': 11.5}]


def test_rename_is_durable(apiary, reopen):
    reopen().modify(name='hive_log_2024', metadata={'season': 2024})
    with chromadb.PersistentClient(path=apiary) as client:
        assert [c.name for c in client.list_collections()] == ['hive_log_2024']
        assert client.get_collection('hive_log_2024').metadata == {'season': 2024}


def test_the_tests_above_changed_only_their_copies(reopen):
    assert reopen().count() == len(ENTRIES)


def test_unregistered_function_is_reported_at_use_not_at_open(reopen, monkeypatch):
    monkeypatch.delitem(known_embedding_functions, 'hive_words')
    log = reopen()
    assert log.count() == 4
    with pytest.raises(ValueError, match='hive_words not found'):
        log.query(query_texts=['calm'])


def test_incompatible_release_is_reported(reopen, monkeypatch):
    monkeypatch.setattr(HiveWords, 'axes', HiveWords.axes[:3])
    with pytest.raises(ValueError, match='written with other axes'):
        reopen().query(query_texts=['calm'])


def test_path_may_be_text_or_path_and_is_created(tmp_path):
    nested = tmp_path / 'a' / 'b'
    for path in (nested, str(nested)):
        client, log = open_log(path)
        log.upsert(ids=['x'], documents=['calm'])
        assert log.count() == 1
        client.close()
    assert (nested / 'chroma.sqlite3').is_file()


def test_context_manager_releases_the_file(tmp_path):
    with chromadb.PersistentClient(path=tmp_path) as client:
        client.create_collection('empty', embedding_function=None)
    # A closed database may be inspected, moved or deleted, on Windows too.
    connection = sqlite3.connect(tmp_path / 'chroma.sqlite3')
    names = connection.execute('SELECT name FROM collections').fetchall()
    connection.close()
    assert names == [('empty',)]
    shutil.move(tmp_path / 'chroma.sqlite3', tmp_path / 'elsewhere.sqlite3')


if __name__ == '__main__':
    raise SystemExit(pytest.main([__file__, '-q']))

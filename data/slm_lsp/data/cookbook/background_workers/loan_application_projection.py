'''Project an event-sourced loan application log into a Chroma read model, idempotently, with a stored checkpoint.

Events are the truth and never change; the collection can be thrown away and rebuilt.  The checkpoint (position of the
last applied event) is in the collection's metadata, so read model and progress cannot drift apart on a restore.
'''
import json
import sqlite3
from typing import Callable, Dict, List

import chromadb
from chromadb.errors import NotFoundError

SCHEMA = '''
CREATE TABLE events (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    stream   TEXT NOT NULL,
    version  INTEGER NOT NULL,
    kind     TEXT NOT NULL,
    payload  TEXT NOT NULL,
    UNIQUE (stream, version)          -- optimistic concurrency: two writers cannot both append version 3
);
'''

PURPOSES = ['house', 'car', 'solar', 'business', 'study', 'wedding', 'boat']


class EventStore:
    def __init__(self):
        self.db = sqlite3.connect(':memory:')
        self.db.executescript(SCHEMA)

    def append(self, stream, kind, **payload):
        with self.db:
            (version,) = self.db.execute('SELECT COUNT(*) FROM events WHERE stream = ?', (stream,)).fetchone()
            self.db.execute('INSERT INTO events (stream, version, kind, payload) VALUES (?, ?, ?, ?)',
                            (stream, version + 1, kind, json.dumps(payload)))

    def after(self, position, limit):
        rows = self.db.execute('SELECT position, stream, kind, payload FROM events WHERE position > ? ORDER BY position LIMIT ?',
                               (position, limit))
        return [(p, s, k, json.loads(body)) for p, s, k, body in rows]


def features(amount, months, income, purpose):
    '''Applications are compared by their economics, not by their words: scaled ratios, and the purpose as one-hot.'''
    return [amount / 100_000, months / 120, amount / max(income * 12, 1)] + [1.0 if purpose == p else 0.0 for p in PURPOSES]


class Projection:
    '''Applies events to the collection.  Every record remembers the last event it has seen, so a replay is harmless.'''

    NAME, VERSION = 'loan_read_model', 2

    def __init__(self, client: chromadb.ClientAPI, store: EventStore):
        self.client, self.store = client, store
        self.handlers: Dict[str, Callable] = {
            'Submitted': self.submitted, 'AmountChanged': self.amount_changed,
            'Approved': self.decided, 'Rejected': self.decided, 'Withdrawn': self.withdrawn, 'NoteAdded': self.note_added,
        }
        self.open()

    def open(self):
        try:
            self.model = self.client.get_collection(self.NAME)
            if self.model.metadata['layout'] != self.VERSION:
                self.client.delete_collection(self.NAME)
                raise NotFoundError('outdated layout')
        except NotFoundError:
            self.model = self.client.create_collection(self.NAME, metadata={'position': 0, 'layout': self.VERSION})

    @property
    def position(self):
        return self.model.metadata['position']

    def seen(self, stream):
        rows = self.model.get(ids=[stream], include=['metadatas'])
        return rows['metadatas'][0]['seen'] if rows['ids'] else 0

    def catch_up(self, batch=4, stop_after=None):
        '''Apply what is new; `stop_after` simulates a crash between applying an event and saving the checkpoint.'''
        applied = 0
        while events := self.store.after(self.position, batch):
            for position, stream, kind, payload in events:
                handler = self.handlers.get(kind)
                # Unknown kinds are for other read models; events already seen are skipped.
                if handler and position > self.seen(stream):
                    handler(stream, kind, payload, position)
                applied += 1
                if applied == stop_after:
                    raise ConnectionError('power cut')
            self.model.modify(metadata={**self.model.metadata, 'position': events[-1][0]})
        return applied

    def rebuild(self):
        # Empty it first: in chromadb 1.5 the list values of a dropped collection's records (our notes) can turn up
        # again in records that take over their rows.  Deleting the records cleans up properly.
        self.model.delete(where={'seen': {'$gte': 0}})
        self.client.delete_collection(self.NAME)
        self.open()
        return self.catch_up(batch=100)

    # --- handlers ---
    def submitted(self, stream, kind, e, position):
        self.model.upsert(
            ids=[stream], embeddings=[features(e['amount'], e['months'], e['income'], e['purpose'])],
            documents=[e['purpose']],
            metadatas=[{'status': 'open', 'amount': e['amount'], 'months': e['months'], 'income': e['income'],
                        'purpose': e['purpose'], 'seen': position}],
        )

    def amount_changed(self, stream, kind, e, position):
        m = self.model.get(ids=[stream])['metadatas'][0]
        self.model.update(
            ids=[stream], embeddings=[features(e['amount'], m['months'], m['income'], m['purpose'])],
            metadatas=[{'amount': e['amount'], 'seen': position}],
        )

    def decided(self, stream, kind, e, position):
        self.model.update(ids=[stream], metadatas=[{'status': kind.lower(), 'officer': e['officer'], 'seen': position}])

    def note_added(self, stream, kind, e, position):
        m = self.model.get(ids=[stream])['metadatas'][0]
        self.model.update(ids=[stream], metadatas=[{'notes': m.get('notes', []) + [e['text']], 'seen': position}])

    def withdrawn(self, stream, kind, e, position):
        self.model.delete(ids=[stream])


def precedents(model, amount, months, income, purpose) -> List[dict]:
    '''How were the most similar applications decided?'''
    res = model.query(
        query_embeddings=[features(amount, months, income, purpose)], n_results=2,
        where={'status': {'$in': ['approved', 'rejected']}}, include=['metadatas', 'distances'],
    )
    return [{'id': i, 'status': m['status'], 'officer': m['officer']} for i, m in zip(res['ids'][0], res['metadatas'][0])]


def snapshot(model):
    rows = model.get()
    # 'seen' may differ between a replayed and a rebuilt model; nothing else may.
    return {i: {k: v for k, v in m.items() if k != 'seen'} for i, m in zip(rows['ids'], rows['metadatas'])}


def main():
    store = EventStore()
    store.append('loan-1', 'Submitted', amount=30_000, months=60, income=4_000, purpose='solar')
    store.append('loan-2', 'Submitted', amount=9_000, months=24, income=1_500, purpose='wedding')
    store.append('loan-1', 'NoteAdded', text='roof faces south')
    store.append('loan-1', 'CreditBureauAsked', bureau='A')
    store.append('loan-1', 'AmountChanged', amount=24_000)
    store.append('loan-2', 'Rejected', officer='mh')
    store.append('loan-3', 'Submitted', amount=250_000, months=120, income=6_000, purpose='house')

    client = chromadb.EphemeralClient()
    projection = Projection(client, store)
    try:
        projection.catch_up(batch=4, stop_after=3)
    except ConnectionError:
        pass
    assert projection.position == 0 and projection.model.count() == 2, 'applied, but not yet confirmed'

    # The next process starts from the checkpoint and sees events 1-3 again.
    projection = Projection(client, store)
    assert projection.catch_up() == 7 and projection.position == 7
    solar = projection.model.get(ids='loan-1')['metadatas'][0]
    assert solar['notes'] == ['roof faces south'] and solar['amount'] == 24_000

    store.append('loan-1', 'Approved', officer='ks')
    store.append('loan-3', 'Withdrawn', reason='moved abroad')
    assert projection.catch_up() == 2 and projection.catch_up() == 0

    similar = precedents(projection.model, amount=22_000, months=60, income=3_900, purpose='solar')
    assert similar[0] == {'id': 'loan-1', 'status': 'approved', 'officer': 'ks'}

    replayed = snapshot(projection.model)
    assert projection.rebuild() == 9
    assert snapshot(projection.model) == replayed, 'a rebuild must give the same read model'
    Projection.VERSION = 3          # a new release with another layout starts over by itself
    assert Projection(client, store).position == 0
    print('read model:', {i: m['status'] for i, m in replayed.items()}, '| precedents:', similar)


if __name__ == '__main__':
    main()

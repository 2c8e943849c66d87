'''Change data capture from SQLite triggers to Chroma: an aircraft maintenance database keeps its defect index fresh.

Triggers write the primary key of every touched row to a change table - whichever program wrote it, the sqlite3 shell
included.  The consumer reads the CURRENT rows of those keys, so it needs no before/after images and no ordering.
'''
import sqlite3
import string

import chromadb

DDL = '''
CREATE TABLE aircraft (tail TEXT PRIMARY KEY, model TEXT NOT NULL, base TEXT NOT NULL);
CREATE TABLE defect (
    id INTEGER PRIMARY KEY, tail TEXT NOT NULL REFERENCES aircraft, ata INTEGER NOT NULL,
    report TEXT NOT NULL, fixed INTEGER NOT NULL DEFAULT 0, hours REAL NOT NULL DEFAULT 0
);
CREATE TABLE change (seq INTEGER PRIMARY KEY AUTOINCREMENT, defect_id INTEGER NOT NULL);

CREATE TRIGGER defect_i AFTER INSERT ON defect BEGIN INSERT INTO change (defect_id) VALUES (new.id); END;
CREATE TRIGGER defect_u AFTER UPDATE ON defect BEGIN INSERT INTO change (defect_id) VALUES (new.id); END;
CREATE TRIGGER defect_d AFTER DELETE ON defect BEGIN INSERT INTO change (defect_id) VALUES (old.id); END;
-- The index repeats columns of aircraft, so a change there touches all of its defects.
CREATE TRIGGER aircraft_u AFTER UPDATE ON aircraft BEGIN
    INSERT INTO change (defect_id) SELECT id FROM defect WHERE tail = new.tail;
END;
'''

ROWS = 'SELECT d.id, d.report, d.ata, d.fixed, d.hours, a.tail, a.model, a.base FROM defect d JOIN aircraft a USING (tail)'

CONSONANTS = [c for c in string.ascii_lowercase if c not in 'aeiou']


def embed(report):
    '''Consonant skeletons ("hydrlc") in overlapping triples; maintenance shorthand drops vowels anyway.'''
    v = [0.0] * 211
    for word in report.lower().split():
        bones = ''.join(c for c in word if c in CONSONANTS)
        for i in range(max(len(bones) - 1, 1)):
            key = 0
            for c in bones[i:i + 2]:
                key = key * 29 + ord(c) - 96
            v[key % 211] += 1.0
    return v


class DefectIndex:
    CHANNEL = 'cdc_seq'

    def __init__(self, db, client):
        self.db = db
        self.index = client.get_or_create_collection(
            'defects', metadata={self.CHANNEL: 0}, configuration={'hnsw': {'space': 'cosine'}})

    @property
    def confirmed(self):
        return self.index.metadata[self.CHANNEL]

    def newest(self):
        # AUTOINCREMENT remembers the last number here even when trim() has emptied the table.
        row = self.db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'change'").fetchone()
        return row[0] if row else 0

    def lag(self):
        return self.newest() - self.confirmed

    def consume(self, limit=100):
        '''Bring the index up to date with the next `limit` changes; returns (changes, upserted, deleted).'''
        changes = self.db.execute(
            'SELECT seq, defect_id FROM change WHERE seq > ? ORDER BY seq LIMIT ?', (self.confirmed, limit)).fetchall()
        if not changes:
            return 0, 0, 0
        touched = {defect_id for _, defect_id in changes}        # ten updates of a row are one upsert
        marks = ', '.join('?' * len(touched))
        rows = self.db.execute(f'{ROWS} WHERE d.id IN ({marks})', tuple(touched)).fetchall()
        if rows:
            self.put(rows)
        vanished = touched - {r[0] for r in rows}
        if vanished:
            self.index.delete(ids=[str(i) for i in vanished])
        # Confirm last.  After a crash the same changes come again and lead to the same state.
        self.index.modify(metadata={self.CHANNEL: changes[-1][0]})
        return len(changes), len(rows), len(vanished)

    def put(self, rows):
        self.index.upsert(
            ids=[str(r[0]) for r in rows],
            documents=[r[1] for r in rows],
            embeddings=[embed(r[1]) for r in rows],
            metadatas=[{'ata': r[2], 'fixed': bool(r[3]), 'hours': r[4], 'tail': r[5], 'model': r[6], 'base': r[7]} for r in rows],
        )

    def bootstrap(self):
        '''Full load.  The position is taken BEFORE reading, so that nothing written meanwhile is missed.'''
        newest = self.newest()
        rows = self.db.execute(ROWS).fetchall()
        if rows:
            self.put(rows)
        stale = set(self.index.get(include=[])['ids']) - {str(r[0]) for r in rows}
        if stale:
            self.index.delete(ids=list(stale))
        self.index.modify(metadata={self.CHANNEL: newest})

    def trim(self):
        '''Forget changes that have been confirmed.'''
        return self.db.execute('DELETE FROM change WHERE seq <= ?', (self.confirmed,)).rowcount

    def seen_before(self, report, model):
        '''Fixed defects like this one on the same type of aircraft: how long did the repair take?'''
        hit = self.index.query(
            query_embeddings=[embed(report)], n_results=2,
            where={'$and': [{'model': model}, {'fixed': True}]}, include=['documents', 'metadatas', 'distances'])
        rows = zip(hit['documents'][0], hit['metadatas'][0], hit['distances'][0])
        return [(doc, meta['hours']) for doc, meta, dist in rows if dist < 0.7]


def main():
    db = sqlite3.connect(':memory:', isolation_level=None)
    db.executescript(DDL)
    db.executemany('INSERT INTO aircraft VALUES (?, ?, ?)',
                   [('EI-AAA', 'A320', 'DUB'), ('EI-AAB', 'A320', 'SNN'), ('EI-ATR', 'ATR72', 'DUB')])
    report = 'INSERT INTO defect (tail, ata, report, fixed, hours) VALUES (?, ?, ?, ?, ?)'
    db.execute(report, ('EI-AAA', 29, 'hydraulic pump leaking at left engine', 1, 6.5))

    index = DefectIndex(db, chromadb.EphemeralClient())
    index.bootstrap()
    assert index.index.count() == 1 and index.lag() == 0

    db.execute(report, ('EI-AAB', 29, 'hydrlc pump leak RH engine', 0, 0))
    db.execute(report, ('EI-ATR', 61, 'propeller vibration in cruise', 1, 11.0))
    db.execute(report, ('EI-AAB', 25, 'coffee machine galley inop', 0, 0))
    db.execute('UPDATE defect SET hours = 1.5, fixed = 1 WHERE ata = 25')
    db.execute('UPDATE defect SET hours = 2.0 WHERE ata = 25')
    assert index.lag() == 5
    assert index.consume() == (5, 3, 0), 'five changes, three rows'
    assert index.index.get(ids=['4'])['metadatas'][0]['hours'] == 2.0

    # A rolled back transaction leaves nothing in the change table.
    db.execute('BEGIN')
    db.execute('DELETE FROM defect')
    db.execute('ROLLBACK')
    assert index.consume() == (0, 0, 0)

    # An aeroplane moves to another base: all its defects follow.
    db.execute("UPDATE aircraft SET base = 'ORK' WHERE tail = 'EI-AAB'")
    db.execute('DELETE FROM defect WHERE ata = 61')
    assert index.consume(limit=2)[0] == 2 and index.consume()[2] == 1
    cork = index.index.get(where={'base': {'$eq': 'ORK'}})
    assert sorted(cork['ids']) == ['2', '4'] and index.index.count() == 3

    advice = index.seen_before('hyd pump leaks at rh engine', model='A320')
    assert advice == [('hydraulic pump leaking at left engine', 6.5)], advice
    assert index.seen_before('hyd pump leaks', model='ATR72') == []

    # Somebody restores an old backup of the index: the position comes with it, the gap is replayed.
    index.index.modify(metadata={index.CHANNEL: 4})
    assert index.consume()[0] == 5 and index.trim() == 9 and index.lag() == 0
    print('similar, already fixed:', advice, '|', index.index.count(), 'defects indexed')
    db.close()


if __name__ == '__main__':
    main()

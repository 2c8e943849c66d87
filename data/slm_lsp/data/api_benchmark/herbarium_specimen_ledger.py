'''Keep a herbarium's specimen ledger on disk and find the nearest relatives of a sheet by its measured leaf traits.

Every sheet is a vector of measurements, so no text model is involved: the traits are
scaled to the same range and stored next to the label that a curator reads.
'''
import tempfile
from pathlib import Path

import numpy as np
import chromadb
from chromadb.config import Settings

# leaf length cm, leaf width cm, petals, stem hairs per mm, altitude km
SCALE = np.array([20.0, 10.0, 8.0, 30.0, 4.0])

SHEETS = {
    'HB-0001': ('Salix herbacea', 'Lindqvist', 1911, 'SE', [1.6, 1.4, 0, 1, 1.2]),
    'HB-0002': ('Salix reticulata', 'Lindqvist', 1911, 'SE', [3.2, 2.4, 0, 4, 1.1]),
    'HB-0003': ('Dryas octopetala', 'Brun', 1934, 'NO', [1.8, 0.9, 8, 12, 1.4]),
    'HB-0004': ('Geum montanum', 'Keller', 1956, 'CH', [9.0, 4.5, 6, 18, 2.3]),
    'HB-0005': ('Geum reptans', 'Keller', 1957, 'CH', [7.5, 3.1, 6, 22, 2.8]),
    'HB-0006': ('Arnica montana', 'Brun', 1938, 'AT', [14.0, 4.2, 8, 27, 1.7]),
}


def scaled(traits):
    return (np.asarray(traits, dtype=np.float32) / SCALE).astype(np.float32)


def open_ledger(folder: Path):
    client = chromadb.PersistentClient(
        path=str(folder),
        settings=Settings(anonymized_telemetry=False),
    )
    ledger = client.get_or_create_collection(
        name='herbarium_sheets',
        configuration={'hnsw': {'space': 'l2'}},
        metadata={'curator': 'M. Aalto', 'cabinet': 14},
        embedding_function=None,
    )
    return client, ledger


def accession(ledger, sheets):
    """File the sheets; the label text is stored for the printed index."""
    ledger.add(
        ids=list(sheets),
        embeddings=[scaled(s[4]) for s in sheets.values()],
        metadatas=[
            {'taxon': s[0], 'genus': s[0].split()[0], 'collector': s[1], 'year': s[2], 'country': s[3]}
            for s in sheets.values()
        ],
        documents=[f'{s[0]}, leg. {s[1]} {s[2]} ({s[3]})' for s in sheets.values()],
    )


def relatives(ledger, sheet_id, k=2):
    """The k nearest other sheets. One more is asked for, since a sheet is its own neighbour."""
    me = ledger.get(ids=[sheet_id], include=['embeddings'])
    hits = ledger.query(
        query_embeddings=me['embeddings'],
        n_results=k + 1,
        include=['metadatas', 'distances'],
    )
    return [
        (i, m['taxon'], round(d, 3))
        for i, m, d in zip(hits['ids'][0], hits['metadatas'][0], hits['distances'][0])
        if i != sheet_id
    ][:k]


def main():
    with tempfile.TemporaryDirectory() as tmp:
        client, ledger = open_ledger(Path(tmp))
        accession(ledger, SHEETS)
        assert ledger.count() == len(SHEETS)

        found = relatives(ledger, 'HB-0004')
        print('nearest to Geum montanum:', found)
        assert found[0][1] == 'Geum reptans'

        # A later curator re-determined sheet 3: only its label changes, the measurements stay.
        ledger.update(
            ids=['HB-0003'],
            metadatas=[{'taxon': 'Dryas integrifolia', 'revised_by': 'Aalto'}],
            documents=['Dryas integrifolia, leg. Brun 1934 (NO), det. Aalto'],
            embeddings=[scaled([1.8, 0.7, 8, 12, 1.4])],
        )
        revised = ledger.get(where={'revised_by': 'Aalto'})
        assert revised['ids'] == ['HB-0003']
        # update() merges: keys that were not named are still there
        assert revised['metadatas'][0]['collector'] == 'Brun'

        swiss_after_1950 = ledger.get(
            where={'$and': [{'country': 'CH'}, {'year': {'$gt': 1950}}]},
            include=['documents'],
        )
        assert len(swiss_after_1950['documents']) == 2

        ledger.modify(name='herbarium_sheets_1911_1957', metadata={'curator': 'M. Aalto', 'closed': True})
        client.close()

        # A new process would start here: the renamed ledger is what is on disk.
        again = chromadb.PersistentClient(path=tmp, settings=Settings(anonymized_telemetry=False))
        closed = again.get_collection(name='herbarium_sheets_1911_1957', embedding_function=None)
        assert closed.metadata['closed'] is True
        assert closed.count() == 6

        by_brun = closed.query(
            query_embeddings=[scaled([13.0, 4.0, 8, 25, 1.6]).tolist()],
            n_results=1,
            where={'collector': {'$eq': 'Brun'}},
        )
        assert by_brun['ids'] == [['HB-0006']]
        print('Brun sheet that matches the new find:', by_brun['documents'][0][0])
        again.close()


if __name__ == '__main__':
    main()

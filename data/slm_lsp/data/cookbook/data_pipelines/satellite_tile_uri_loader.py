'''Index satellite tiles by URI: Chroma stores the paths, a data loader opens the PNG files, colours become vectors.

The database stays small: neither pixels nor copies of them go in.  `add(uris=...)` loads and embeds, `query_uris=`
searches by an example file, and `include=["data"]` hands the pixels of the hits back, loaded at that moment.
'''
import tempfile
from pathlib import Path
from typing import List, Optional
from urllib.parse import unquote, urlparse

import chromadb
import numpy as np
from chromadb.api.types import DataLoader, EmbeddingFunction, Embeddings, Images
from PIL import Image

LAND = {'forest': (30, 90, 40), 'desert': (210, 180, 120), 'water': (20, 50, 120), 'city': (130, 130, 135), 'snow': (240, 245, 250)}


class PngLoader(DataLoader[List[Optional[np.ndarray]]]):
    '''file:// URIs and plain paths below one root.  A missing file yields None instead of spoiling the whole batch.'''

    def __init__(self, root):
        self.root = Path(root).resolve()
        self.opened = 0

    def path(self, uri):
        parsed = urlparse(uri)
        path = Path(unquote(parsed.path)) if parsed.scheme == 'file' else self.root / uri
        path = path.resolve()
        # URIs are data, perhaps from elsewhere: never follow one out of the archive.
        if not path.is_relative_to(self.root):
            raise PermissionError(f'{uri} points outside of {self.root}')
        return path

    def __call__(self, uris):
        tiles = []
        for uri in uris:
            if uri is None or not self.path(uri).exists():
                tiles.append(None)
                continue
            with Image.open(self.path(uri)) as img:
                tiles.append(np.asarray(img.convert('RGB')))
            self.opened += 1
        return tiles


class ColourHistogram(EmbeddingFunction[Images]):
    '''Joint RGB histogram, square-rooted, so that L2 between two vectors is the Hellinger distance.'''

    def __init__(self, bins: int = 4):
        self.bins = bins

    def __call__(self, input: Images) -> Embeddings:
        rows = []
        for tile in input:
            if tile is None:
                raise FileNotFoundError('a tile to be indexed does not exist')
            cell = (tile.reshape(-1, 3).astype(int) * self.bins) // 256
            flat = cell[:, 0] * self.bins ** 2 + cell[:, 1] * self.bins + cell[:, 2]
            share = np.bincount(flat, minlength=self.bins ** 3) / len(flat)
            rows.append(np.sqrt(share).astype(np.float32))
        return rows

    @staticmethod
    def name():
        return 'rgb_histogram'

    def get_config(self):
        return {'bins': self.bins}

    @staticmethod
    def build_from_config(config):
        return ColourHistogram(config['bins'])


def paint(path, mix, seed, size=32):
    '''A tile whose pixels are drawn from land covers in the given proportions.'''
    rng = np.random.default_rng(seed)
    names = list(mix)
    choice = rng.choice(len(names), p=[mix[n] for n in names], size=(size, size))
    pixels = np.array([LAND[n] for n in names])[choice] + rng.normal(0, 6, (size, size, 3))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(path)


def build_archive(root):
    '''Returns [(relative uri, metadata)] of the tiles on disk.'''
    tiles = [
        ('amazon/t1.png', {'forest': .9, 'water': .1}, {'orbit': 101, 'clouds': 0.05}),
        ('amazon/t2.png', {'forest': .5, 'desert': .5}, {'orbit': 102, 'clouds': 0.10}),
        ('sahara/t1.png', {'desert': 1.0}, {'orbit': 101, 'clouds': 0.0}),
        ('delta/t1.png', {'water': .6, 'city': .4}, {'orbit': 103, 'clouds': 0.4}),
        ('delta/t2.png', {'water': .7, 'city': .3}, {'orbit': 103, 'clouds': 0.1}),
        ('alps/t1.png', {'snow': .6, 'forest': .4}, {'orbit': 102, 'clouds': 0.3}),
    ]
    for seed, (uri, mix, _) in enumerate(tiles):
        paint(root / uri, mix, seed)
    return [(uri, {**meta, 'region': uri.split('/')[0]}) for uri, _, meta in tiles]


def open_tiles(client, loader):
    # A data loader is code, not data: it is not stored with the collection and has to be given each time.
    return client.get_or_create_collection('tiles', embedding_function=ColourHistogram(), data_loader=loader)


def main():
    with tempfile.TemporaryDirectory() as tmp:
        root = Path(tmp, 'archive')
        listing = build_archive(root)
        loader = PngLoader(root)

        with chromadb.PersistentClient(path=Path(tmp, 'index')) as client:
            tiles = open_tiles(client, loader)
            tiles.add(
                ids=[uri.replace('/', '-').removesuffix('.png') for uri, _ in listing],
                uris=[uri for uri, _ in listing],
                metadatas=[meta for _, meta in listing],
            )
            assert tiles.count() == loader.opened == len(listing)
            assert tiles.get(ids=['sahara-t1'], include=['uris', 'documents'])['uris'] == ['sahara/t1.png']

        with chromadb.PersistentClient(path=Path(tmp, 'index')) as client:
            tiles = open_tiles(client, PngLoader(root))

            # By example, with a file that is not part of the index.
            paint(root / 'incoming/new.png', {'water': .65, 'city': .35}, seed=77)
            found = tiles.query(query_uris=['incoming/new.png'], n_results=2, include=['uris', 'distances', 'data'])
            assert set(found['ids'][0]) == {'delta-t1', 'delta-t2'}
            assert found['data'][0][0].shape == (32, 32, 3), 'the pixels of the hits came along'
            clear = tiles.query(query_uris='incoming/new.png', n_results=1, where={'clouds': {'$lt': 0.2}})
            assert clear['ids'] == [['delta-t2']]

            # By an array that was never a file: what would a burnt forest look like?
            burnt = np.full((8, 8, 3), (205, 178, 118), dtype=np.uint8)
            dry = tiles.query(query_images=[burnt], n_results=1, where={'region': {'$ne': 'sahara'}}, include=['uris'])
            assert dry['uris'][0] == ['amazon/t2.png']

            # A tile is replaced on disk.  Only add() and query() call the data loader; upsert() and update() want
            # the pixels themselves, and take the URI beside them.
            paint(root / 'amazon/t2.png', {'desert': .9, 'forest': .1}, seed=9)
            before = tiles.get(ids=['amazon-t2'], include=['embeddings'])['embeddings'][0]
            tiles.upsert(ids=['amazon-t2'], images=loader(['amazon/t2.png']), uris=['amazon/t2.png'],
                         metadatas=[{'orbit': 140, 'clouds': 0.0, 'region': 'amazon'}])
            after = tiles.get(ids=['amazon-t2'], include=['embeddings'])['embeddings'][0]
            assert np.linalg.norm(after - before) > 0.2

            # A tile is lost: the index still knows its vector, the loader reports a gap.
            (root / 'alps/t1.png').unlink()
            alps = tiles.get(where={'region': 'alps'}, include=['data'])
            assert alps['data'] == [None] and alps['uris'] == ['alps/t1.png']
            for bad, kind in (('../secret.png', PermissionError), ('gone.png', FileNotFoundError)):
                try:
                    tiles.query(query_uris=[bad])
                except kind as error:
                    print(f'{kind.__name__}: {error}'.replace(str(root.resolve()), 'ARCHIVE'))
                else:
                    raise AssertionError(bad)
        print('like incoming/new.png:', [(u, round(d, 3)) for u, d in zip(found['uris'][0], found['distances'][0])])


if __name__ == '__main__':
    main()

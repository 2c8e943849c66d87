'''Keep the sharpest frame of every burst in a wildlife photo archive and drop the near-identical rest.

Images go straight into Chroma as numpy arrays (`images=`); the embedding function turns each one into a
64-bit difference hash, written out as -1/+1 components, so that the squared L2 distance is 4 x Hamming.
'''
import chromadb
import numpy as np
from chromadb.api.types import Embeddings, EmbeddingFunction, Images

HAMMING_LIMIT = 6


class DifferenceHash(EmbeddingFunction[Images]):
    """dHash: shrink to (size, size + 1) and compare each cell with its right neighbour."""

    def __init__(self, size: int = 8):
        self.size = size

    def _shrink(self, image):
        rows = np.array_split(image.astype(float), self.size, axis=0)
        return np.array([[block.mean() for block in np.array_split(row, self.size + 1, axis=1)] for row in rows])

    def __call__(self, input: Images) -> Embeddings:
        out = []
        for image in input:
            cells = self._shrink(image if image.ndim == 2 else image.mean(axis=2))
            out.append(np.where(cells[:, 1:] > cells[:, :-1], 1.0, -1.0).astype(np.float32).ravel())
        return out

    @staticmethod
    def name() -> str:
        return 'difference_hash'

    def default_space(self):
        return 'l2'

    def supported_spaces(self):
        return ['l2']

    def get_config(self):
        return {'size': self.size}

    @staticmethod
    def build_from_config(config):
        return DifferenceHash(size=config['size'])


def scene(seed, height=90, width=120):
    """A smooth random landscape: a stand-in for a camera's frame."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 255, (8, 9)).astype(float)
    return np.kron(coarse, np.ones((height // 8 + 1, width // 9 + 1)))[:height, :width]


def shot(base, blur, noise_seed):
    """One exposure of a scene: some motion blur along x, some sensor noise."""
    frame = sum(np.roll(base, shift, axis=1) for shift in range(blur + 1)) / (blur + 1)
    noise = np.random.default_rng(noise_seed).normal(0, 2, base.shape)
    return np.clip(frame + noise, 0, 255).astype(np.uint8)


def sharpness(frame):
    """Variance of a discrete Laplacian: the more edges, the larger."""
    f = frame.astype(float)
    lap = f[1:-1, :-2] + f[1:-1, 2:] + f[:-2, 1:-1] + f[2:, 1:-1] - 4 * f[1:-1, 1:-1]
    return float(lap.var())


def prune_bursts(photos):
    """Delete all but the sharpest of each group of look-alikes; returns {kept id: [dropped ids]}."""
    everything = photos.get(include=['embeddings', 'metadatas'])
    order = sorted(range(len(everything['ids'])), key=lambda i: -everything['metadatas'][i]['sharpness'])
    gone, kept = set(), {}
    for i in order:
        pid = everything['ids'][i]
        if pid in gone:
            continue
        meta = everything['metadatas'][i]
        near = photos.query(
            query_embeddings=everything['embeddings'][i],
            n_results=photos.count(),
            # A burst comes from one camera within seconds: never merge beyond that.
            where={'$and': [
                {'camera': {'$eq': meta['camera']}},
                {'taken': {'$gte': meta['taken'] - 10}},
                {'taken': {'$lte': meta['taken'] + 10}},
            ]},
            include=['distances'],
        )
        twins = [t for t, d in zip(near['ids'][0], near['distances'][0])
                 if t != pid and t not in gone and d / 4 <= HAMMING_LIMIT]
        kept[pid] = sorted(twins)
        gone.update(twins)
    if gone:
        photos.delete(ids=sorted(gone))
    return kept


def main():
    client = chromadb.EphemeralClient()
    photos = client.create_collection('trail_camera', embedding_function=DifferenceHash())
    assert photos.configuration['hnsw']['space'] == 'l2'

    fox, heron = scene(1), scene(2)
    frames = {
        'IMG_0001': (shot(fox, 3, 10), 'north', 1000), 'IMG_0002': (shot(fox, 0, 11), 'north', 1001),
        'IMG_0003': (shot(fox, 5, 12), 'north', 1002), 'IMG_0004': (shot(heron, 1, 13), 'north', 1004),
        'IMG_0005': (shot(fox, 1, 14), 'north', 5000), 'IMG_0101': (shot(fox, 2, 15), 'south', 1001),
    }
    photos.add(
        ids=list(frames),
        images=[frame for frame, _, _ in frames.values()],
        metadatas=[{'camera': c, 'taken': t, 'sharpness': sharpness(f)} for f, c, t in frames.values()],
    )
    # A record is embedded from exactly one of images, documents and uris, so the path to the raw file is
    # attached in a second step: `upsert` with the stored embeddings changes nothing else.
    stored = photos.get(include=['embeddings'])
    photos.upsert(
        ids=stored['ids'],
        embeddings=stored['embeddings'],
        uris=[f'archive/2024/{name}.dng' for name in stored['ids']],
    )

    kept = prune_bursts(photos)

    assert kept['IMG_0002'] == ['IMG_0001', 'IMG_0003'], kept
    assert kept['IMG_0005'] == [] and kept['IMG_0101'] == [], 'another time and another camera are not a burst'
    left = photos.get(include=['uris'])
    assert sorted(left['ids']) == ['IMG_0002', 'IMG_0004', 'IMG_0005', 'IMG_0101']

    # Search by example: a blurred frame finds the sharp one that replaced it.
    found = photos.query(query_images=[shot(fox, 4, 99)], n_results=1, where={'taken': {'$lt': 2000}}, include=['uris'])
    assert found['uris'][0][0] in {'archive/2024/IMG_0002.dng', 'archive/2024/IMG_0101.dng'}
    print('kept', len(left['ids']), 'of', len(frames), 'frames:', ', '.join(left['uris']))


if __name__ == '__main__':
    main()

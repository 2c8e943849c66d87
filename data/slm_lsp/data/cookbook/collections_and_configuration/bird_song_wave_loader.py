"""Index bird-song recordings straight from WAV files: the data loader turns each file into a spectrogram.

"Images" are any arrays of two dimensions or more, so a loader may as well return spectrograms (time by frequency).
The collection stores the path and a vector; the sound itself stays on disk and is loaded when it is asked for.
"""

import struct
import tempfile
import wave
from pathlib import Path

import chromadb
import numpy as np

RATE = 4000
FRAME = 128


class SpectrogramLoader:
    """Paths of mono 16-bit WAV files -> arrays of shape (frames, FRAME // 2 + 1). Any callable taking `uris` will do."""

    def __call__(self, uris):
        return [self._spectrogram(uri) for uri in uris]

    @staticmethod
    def _spectrogram(uri):
        with wave.open(uri, "rb") as sound:
            assert sound.getnchannels() == 1 and sound.getsampwidth() == 2, uri
            raw = sound.readframes(sound.getnframes())
        samples = np.array(struct.unpack(f"<{len(raw) // 2}h", raw), dtype=np.float64) / 32768
        frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
        return np.abs(np.fft.rfft(frames * np.hanning(FRAME), axis=1))


class SongShape(chromadb.EmbeddingFunction):
    """Mean energy in `bands` frequency bands, plus how much the loudest frequency moves about."""

    def __init__(self, bands=8):
        self.bands = bands

    def __call__(self, input):
        vectors = []
        for spectrogram in input:
            energy = [chunk.mean() for chunk in np.array_split(spectrogram, self.bands, axis=1)]
            loudest = spectrogram.argmax(axis=1)
            movement = np.abs(np.diff(loudest)).mean() / spectrogram.shape[1]
            vector = np.array(energy) / (np.linalg.norm(energy) or 1.0)
            vectors.append(np.append(vector, movement).astype(np.float32))
        return vectors

    @staticmethod
    def name():
        return "song-shape"

    def get_config(self):
        return {"bands": self.bands}

    @staticmethod
    def build_from_config(config):
        return SongShape(config["bands"])


def sing(path, notes, seconds=0.5):
    """Write a synthetic song: each note is (start Hz, end Hz)."""
    per_note = int(RATE * seconds / len(notes))
    phase, samples = 0.0, []
    for start, end in notes:
        for frequency in np.linspace(start, end, per_note):
            phase += 2 * np.pi * frequency / RATE
            samples.append(int(12000 * np.sin(phase)))
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(struct.pack(f"<{len(samples)}h", *samples))
    return str(path)


BIRDS = {
    "owl-1": ("tawny owl", [(300, 300), (320, 280)]),
    "owl-2": ("tawny owl", [(310, 310), (330, 290)]),
    "finch-1": ("chaffinch", [(1700, 1500), (1500, 1200), (1200, 1000), (1000, 1400)]),
    "finch-2": ("chaffinch", [(1680, 1480), (1490, 1210), (1190, 990), (990, 1380)]),
    "tit-1": ("great tit", [(1500, 1500), (1000, 1000)] * 3),
}


def main():
    client = chromadb.EphemeralClient()
    with tempfile.TemporaryDirectory() as folder:
        files = {key: sing(Path(folder, f"{key}.wav"), notes) for key, (_, notes) in BIRDS.items()}
        songs = client.get_or_create_collection(
            name="songs",
            configuration={"hnsw": {"space": "l2"}},
            embedding_function=SongShape(bands=8),
            data_loader=SpectrogramLoader(),
        )
        songs.upsert(
            ids=list(files),
            images=SpectrogramLoader()(list(files.values())),  # loaded by hand
            metadatas=[{"species": species} for species, _ in BIRDS.values()],
        )

        # The paths go beside the vectors in a second call: given both at once, images= and uris= would compete
        # for being embedded.
        songs.update(ids=list(files), uris=list(files.values()))

        # Somebody sends a recording: which known song is it like?
        unknown = sing(Path(folder, "unknown.wav"), [(1690, 1490), (1500, 1190), (1210, 1000), (1000, 1390)])
        answer = songs.query(query_uris=[unknown], n_results=2, include=["metadatas", "distances", "uris"])
        assert [meta["species"] for meta in answer["metadatas"][0]] == ["chaffinch", "chaffinch"]
        print("sounds like", answer["ids"][0], "at", [f"{d:.4f}" for d in answer["distances"][0]])

        # A microphone gives arrays, no file.
        hoot = SpectrogramLoader()([files["owl-1"]])[0] * 0.3  # the same owl, further away
        nearest = songs.query(query_images=[hoot], n_results=2)
        assert set(nearest["ids"][0]) == {"owl-1", "owl-2"}

        # Opened elsewhere, for example by a player that wants the sound itself: pass the loader again.
        player = client.get_collection(name="songs", data_loader=SpectrogramLoader())
        tit = player.get(ids="tit-1", include=["data", "uris"])
        assert tit["data"][0].shape[1] == FRAME // 2 + 1
        loud = tit["data"][0].argmax(axis=1) * RATE / FRAME
        print("the great tit alternates between about", sorted({round(f / 100) * 100 for f in loud if f}), "Hz")
        by_id = client.get_collection_by_id(
            id=songs.id, embedding_function=SongShape(bands=8), data_loader=SpectrogramLoader()
        )
        # add() with uris alone loads and embeds by itself.
        by_id.add(ids=["unknown-1"], uris=[unknown], metadatas=[{"species": "?"}])
        assert songs.count() == len(BIRDS) + 1

        # The files are needed for loading only: without them search goes on, loading does not.
        for path in files.values():
            Path(path).unlink()
        still = songs.query(query_uris=[unknown], n_results=1, where={"species": {"$ne": "?"}})
        assert still["ids"][0][0].startswith("finch")
        try:
            player.get(ids="owl-1", include=["data"])
        except FileNotFoundError as error:
            print("gone from disk:", Path(error.filename).name)
        else:
            raise AssertionError("there is nothing left to load")


if __name__ == "__main__":
    main()

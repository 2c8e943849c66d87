"""Identify bird calls from .wav files: a data loader that turns uris into spectrograms.

chromadb's data loaders are made for images, but all that it asks for is an array per address.
Here the loader reads audio and returns a spectrogram (time x frequency), which the embedding
function boils down to a pitch profile.  query_uris= then means "which call sounds like this file".
"""

import math
import os
import struct
import tempfile
import wave

import chromadb
import numpy as np
from chromadb import EmbeddingFunction
from chromadb.utils.embedding_functions import register_embedding_function

RATE = 8_000
FRAME = 256


def record_call(path, pitches, seconds=0.6, volume=0.5):
    """Synthesise a call: the pitches (in Hz) follow each other, each with a soft attack."""
    samples, per_note = [], int(RATE * seconds / len(pitches))
    for pitch in pitches:
        for n in range(per_note):
            envelope = math.sin(math.pi * n / per_note)
            samples.append(volume * envelope * math.sin(2 * math.pi * pitch * n / RATE))
    with wave.open(path, "wb") as out:
        out.setparams((1, 2, RATE, 0, "NONE", "not compressed"))
        out.writeframes(b"".join(struct.pack("<h", int(32767 * s)) for s in samples))
    return "file://" + path


class WavLoader:
    """uris -> spectrograms.  Anything with this signature can be a data loader."""

    def __call__(self, uris):
        return [self.spectrogram(uri) if uri else None for uri in uris]

    @staticmethod
    def spectrogram(uri):
        with wave.open(uri.removeprefix("file://"), "rb") as audio:
            raw = audio.readframes(audio.getnframes())
        signal = np.frombuffer(raw, dtype="<i2") / 32768.0
        frames = signal[: len(signal) // FRAME * FRAME].reshape(-1, FRAME)
        return np.abs(np.fft.rfft(frames * np.hanning(FRAME), axis=1))


@register_embedding_function
class PitchProfile(EmbeddingFunction):
    """Where the energy lies in the spectrum, for the first and for the second half of the call."""

    def __init__(self, bands: int = 16):
        self.bands = bands

    def __call__(self, input):
        return [self.profile(np.asarray(spectrogram)) for spectrogram in input]

    def profile(self, spectrogram):
        halves = np.array_split(spectrogram, 2, axis=0)
        bands = [band.sum() for half in halves for band in np.array_split(half.sum(axis=0), self.bands)]
        vector = np.array(bands, dtype=np.float32)
        return vector / (np.linalg.norm(vector) + 1e-9)

    def default_space(self):
        return "cosine"

    @staticmethod
    def name():
        return "bird-pitch-profile"

    def get_config(self):
        return {"bands": self.bands}

    @staticmethod
    def build_from_config(config):
        return PitchProfile(config["bands"])


def main():
    client = chromadb.EphemeralClient()
    calls = client.get_or_create_collection(
        "bird_calls", embedding_function=PitchProfile(), data_loader=WavLoader()
    )
    assert calls.configuration["hnsw"]["space"] == "cosine", "the function's default space is used"

    with tempfile.TemporaryDirectory() as folder:
        def wav(name, *pitches, **how):
            return record_call(os.path.join(folder, name + ".wav"), pitches, **how)

        reference = {
            "cuckoo": wav("cuckoo", 660, 550),
            "great-tit": wav("great-tit", 3100, 2300, 3100, 2300),
            "bittern": wav("bittern", 170, 150),
            "curlew": wav("curlew", 1200, 2400),
        }
        calls.add(
            ids=list(reference),
            uris=list(reference.values()),
            metadatas=[{"species": species, "verified": True} for species in reference],
        )

        # Two field recordings, quieter and shorter, asked in one go.
        field = [wav("monday-1", 655, 545, volume=0.1), wav("monday-2", 1210, 2380, seconds=0.4)]
        heard = calls.query(query_uris=field, n_results=2, include=["metadatas", "distances", "uris"])
        best = [row[0]["species"] for row in heard["metadatas"]]
        assert best == ["cuckoo", "curlew"], best
        assert all(row[0] < 0.1 < row[1] for row in heard["distances"])

        # A good match is kept.  upsert() is not content with a uri alone, so the spectrogram is handed
        # over as an image, with the address of the same recording beside it.
        loader = WavLoader()
        for uri, species in zip(field, best):
            record_id = os.path.basename(uri).removesuffix(".wav")
            calls.upsert(
                ids=record_id,
                images=loader([uri]),
                uris=uri,
                metadatas={"species": species, "verified": False},
            )
        assert calls.count() == 6

        # The same question with a spectrogram instead of a file.
        same = calls.query(query_images=loader([field[0]]), n_results=2, where={"species": "cuckoo"})
        assert same["ids"] == [["monday-1", "cuckoo"]]

        # Files move.  The address alone is updated, vector and metadata stay.
        new_home = os.path.join(folder, "archive-cuckoo.wav")
        os.rename(reference["cuckoo"].removeprefix("file://"), new_home)
        calls.update(ids=["cuckoo"], uris=["file://" + new_home])
        moved = calls.get(ids=["cuckoo"], include=["uris", "data", "metadatas"])
        assert moved["uris"] == ["file://" + new_home]
        assert moved["data"][0].shape[1] == FRAME // 2 + 1
        assert moved["metadatas"] == [{"species": "cuckoo", "verified": True}]

    for uri, row, distances in zip(field, heard["ids"], heard["distances"]):
        print(f"{os.path.basename(uri)}: {row[0]} ({distances[0]:.3f}), not {row[1]} ({distances[1]:.2f})")


if __name__ == "__main__":
    main()

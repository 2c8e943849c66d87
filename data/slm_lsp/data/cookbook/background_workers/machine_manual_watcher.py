"""Watch a folder of farm machine manuals and keep Chroma in step: new, changed, renamed and deleted files.

Polling, not inotify: it works on network shares and needs no package.  A scan compares size and mtime first and reads
a file only if they moved; a digest decides whether the content did.  The state lives in the collection, nowhere else.
"""
import hashlib
import os
import re
import tempfile
import threading
from pathlib import Path

import chromadb


def sections(markdown):
    """(heading, body) of every '## ' section; text before the first heading goes under ''."""
    parts = re.split(r"^## +(.*)$", markdown, flags=re.M)
    pairs = [("", parts[0])] + list(zip(parts[1::2], parts[2::2]))
    return [(h.strip(), b.strip()) for h, b in pairs if b.strip()]


def embed(text, dim=150):
    out = [0.0] * dim
    words = re.findall(r"[a-z]{3,}", text.lower())
    for a, b in zip(words, words[1:] + ["."]):
        for feature in (a[:6], a[:6] + "+" + b[:6]):            # words and pairs of words
            out[int(hashlib.md5(feature.encode()).hexdigest()[:6], 16) % dim] += 1.0
    return out


class FolderMirror:
    def __init__(self, folder: Path, collection: chromadb.Collection, pattern: str = "*.md"):
        self.folder, self.col, self.pattern = folder, collection, pattern

    def known_files(self):
        """path -> metadata of its first section: section 0 carries the file's stamp."""
        rows = self.col.get(where={"section": 0}, include=["metadatas"])
        return {m["path"]: m for m in rows["metadatas"]}

    def scan(self):
        """One pass.  Returns what was done as {'added': [...], 'changed': [...], ...}."""
        report = {"added": [], "changed": [], "renamed": [], "removed": []}
        known = self.known_files()
        seen, fresh = set(), []
        for path in sorted(self.folder.rglob(self.pattern)):
            name = path.relative_to(self.folder).as_posix()
            try:
                stat = path.stat()
                stamp = f"{stat.st_size}:{stat.st_mtime_ns}"
                seen.add(name)
                if name in known and known[name]["stamp"] == stamp:
                    continue
                data = path.read_bytes()
            except FileNotFoundError:
                continue                # vanished between listing and reading: the next scan will see that
            digest = hashlib.sha256(data).hexdigest()
            if name in known and known[name]["digest"] == digest:
                self._restamp(name, stamp)          # touched, not changed: embeddings stay
            else:
                fresh.append((name, stamp, digest, data.decode("utf-8", errors="replace")))

        gone = {n: known[n]["digest"] for n in known.keys() - seen}
        for name, stamp, digest, text in fresh:
            twin = next((old for old, d in gone.items() if d == digest), None)
            if twin and name not in known:
                self._rename(twin, name, stamp)
                del gone[twin]
                report["renamed"].append((twin, name))
            else:
                self._index(name, stamp, digest, text)
                report["changed" if name in known else "added"].append(name)
        for name in gone:
            self.col.delete(where={"path": name})
            report["removed"].append(name)
        return {k: v for k, v in report.items() if v}

    def _index(self, name, stamp, digest, text):
        parts = sections(text) or [("", "(empty)")]
        self.col.upsert(
            ids=[f"{digest[:12]}/{n}" for n in range(len(parts))],
            documents=[f"{h}\n{b}".strip() for h, b in parts],
            embeddings=[embed(f"{h} {h} {b}") for h, b in parts],
            metadatas=[
                {"path": name, "section": n, "heading": h, "digest": digest, "stamp": stamp, "machine": name.split("/")[0]}
                for n, (h, _) in enumerate(parts)
            ],
        )
        # New first, old afterwards: a reader in between finds a section twice rather than not at all.
        self.col.delete(where={"$and": [{"path": name}, {"digest": {"$ne": digest}}]})

    def _restamp(self, name, stamp):
        ids = self.col.get(where={"path": name}, include=[])["ids"]
        self.col.update(ids=ids, metadatas=[{"stamp": stamp}] * len(ids))

    def _rename(self, old, new, stamp):
        ids = self.col.get(where={"path": old}, include=[])["ids"]
        self.col.update(ids=ids, metadatas=[{"path": new, "stamp": stamp, "machine": new.split("/")[0]}] * len(ids))


class Watcher(threading.Thread):
    """Scans every `interval` seconds until stopped; `poke()` asks for a scan at once."""

    def __init__(self, mirror, interval):
        super().__init__(daemon=True)
        self.mirror, self.interval = mirror, interval
        self.history, self._wake, self._stopping = [], threading.Event(), False
        self.idle = threading.Condition()

    def run(self):
        while not self._stopping:
            self._wake.clear()
            report = self.mirror.scan()
            with self.idle:
                self.history.append(report)
                self.idle.notify_all()
            self._wake.wait(self.interval)

    def poke(self, timeout=30):
        """Returns the report of a scan that began after this call."""
        with self.idle:
            target = len(self.history) + (2 if not self._wake.is_set() and not self.history else 1)
            self._wake.set()
            assert self.idle.wait_for(lambda: len(self.history) >= target, timeout), "the watcher is stuck"
            return self.history[-1]

    def stop(self):
        self._stopping = True
        self._wake.set()
        self.join()


BALER = "Read this first.\n\n## Belts\nCheck the belt tension every fifty bales.\n\n## Greasing\nGrease the pickup bearings daily.\n"
SPRAYER = "## Nozzles\nReplace nozzles when the flow is ten percent too high.\n\n## Winter storage\nDrain the pump and add antifreeze.\n"


def main():
    with tempfile.TemporaryDirectory() as tmp, chromadb.PersistentClient(path=os.path.join(tmp, "db")) as client:
        inbox = Path(tmp, "manuals")
        for name, text in {"baler/b300.md": BALER, "sprayer/s12.md": SPRAYER}.items():
            (inbox / name).parent.mkdir(parents=True)
            (inbox / name).write_text(text)

        manuals = client.get_or_create_collection("manuals", configuration={"hnsw": {"space": "cosine"}})
        mirror = FolderMirror(inbox, manuals)
        assert mirror.scan() == {"added": ["baler/b300.md", "sprayer/s12.md"]}
        assert mirror.scan() == {} and manuals.count() == 5

        watcher = Watcher(mirror, interval=60)         # so long that only poke() makes it scan in this demo
        watcher.start()
        with watcher.idle:
            watcher.idle.wait_for(lambda: watcher.history, 30)
        try:
            before = manuals.get(where={"path": "baler/b300.md"}, include=["embeddings"])["embeddings"]
            os.utime(inbox / "baler/b300.md", (1, 1))
            assert watcher.poke() == {}, "a touched file is not a changed file"
            (inbox / "baler/b300.md").rename(inbox / "baler/b301.md")
            assert watcher.poke() == {"renamed": [("baler/b300.md", "baler/b301.md")]}
            after = manuals.get(where={"path": "baler/b301.md"}, include=["embeddings"])["embeddings"]
            assert (before == after).all(), "a rename must not cost new embeddings"

            (inbox / "sprayer/s12.md").write_text(SPRAYER.split("## Winter")[0] + "Use the blue ones for fungicide.\n")
            assert watcher.poke() == {"changed": ["sprayer/s12.md"]} and manuals.count() == 4
            top = manuals.query(query_embeddings=[embed("which nozzles for fungicide")], n_results=1, where={"machine": "sprayer"})
            assert "blue ones" in top["documents"][0][0]
            (inbox / "baler/b301.md").unlink()
            assert watcher.poke() == {"removed": ["baler/b301.md"]}
        finally:
            watcher.stop()
        assert manuals.count() == 1
        print("scans:", [r or "-" for r in watcher.history])


if __name__ == "__main__":
    main()

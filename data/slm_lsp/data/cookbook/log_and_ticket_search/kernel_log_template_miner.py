"""Fold a stream of kernel log lines into templates, count them in Chroma and flag lines that look like nothing seen before.

Millions of lines are a few hundred sentences with the numbers exchanged. Only the
sentences are embedded; a known one costs a metadata update.
"""

import re
import typing as t
from collections import Counter

import chromadb

LOG = """\
[   11.204] usb 1-4: new high-speed USB device number 7 using xhci_hcd
[   11.388] usb 1-4: New USB device found, idVendor=0bda, idProduct=8153
[   15.002] EXT4-fs (sda2): mounted filesystem with ordered data mode
[   15.640] EXT4-fs (sdb1): mounted filesystem with ordered data mode
[   90.117] eth0: link up, 1000 Mbps, full duplex
[  340.900] eth0: link down
[  341.553] eth0: link up, 100 Mbps, half duplex
[  700.010] ata3.00: failed command: READ FPDMA QUEUED
[  700.011] ata3.00: error: { UNC }
[  700.352] blk_update_request: I/O error, dev sdc, sector 7812440
[  702.119] blk_update_request: I/O error, dev sdc, sector 7812448
[  702.871] EXT4-fs error (device sdc1): unable to read inode block 1209
[  900.400] usb 2-1: new high-speed USB device number 8 using xhci_hcd
[  955.004] blk_update_request: I/O error, dev sdd, sector 118
[  961.733] Out of memory: Killed process 4411 (imgproc) total-vm:8123004kB
[ 1210.020] Out of memory: Killed process 5120 (indexer) total-vm:6110220kB
[ 1300.500] CPU3: Core temperature above threshold, cpu clock throttled
""".splitlines()

# Order matters: the most specific first.
MASKS: list[tuple[re.Pattern[str], str]] = [
    (re.compile(r"^\[\s*(?P<at>[\d.]+)\]\s*"), ""),
    (re.compile(r"\bsd[a-z]\d*\b|\beth\d+\b|\bata[\d.]+\b|\busb \d+-\d+\b|\bCPU\d+\b"), "<dev>"),
    (re.compile(r"\((?!<dev>)[a-z]\w+\)"), "(<name>)"),
    (re.compile(r"\bid(Vendor|Product)=[0-9a-f]{4}\b"), r"id\1=<hex>"),
    (re.compile(r"\d+"), "<n>"),
]


class Parsed(t.NamedTuple):
    at: float
    template: str


def parse(line: str) -> Parsed:
    stamp = MASKS[0][0].match(line)
    at = float(stamp["at"]) if stamp else 0.0
    for pattern, replacement in MASKS:
        line = pattern.sub(replacement, line)
    return Parsed(at, line.strip())


def shingles(template: str) -> list[float]:
    """Pairs of neighbouring words, plus the words alone at half the weight."""
    words = re.findall(r"[A-Za-z<>_/]+", template.lower())
    slots = [0.0] * 307
    for gram, weight in [*((f"{a} {b}", 1.0) for a, b in zip(words, words[1:])), *((w, 0.5) for w in words)]:
        value = 0
        for byte in gram.encode():
            value = (value * 33 ^ byte) & 0xFFFFFFFF  # the old djb2 hash
        slots[value % 307] += weight
    return slots


class TemplateStore:
    def __init__(self, client: chromadb.ClientAPI, novelty: float = 0.6) -> None:
        self.collection = client.get_or_create_collection(
            name="kernel-templates", configuration={"hnsw": {"space": "cosine"}}, metadata={"novelty": novelty}
        )
        self.novelty = novelty

    def feed(self, lines: t.Iterable[str]) -> list[str]:
        """Take in a batch; returns the templates that resemble nothing stored before this batch."""
        parsed = [parse(line) for line in lines if line.strip()]
        counts = Counter(p.template for p in parsed)
        first = {}
        last = {}
        for p in parsed:
            first.setdefault(p.template, p.at)
            last[p.template] = p.at

        known = self.collection.get(ids=list(counts), include=["metadatas"])
        if known["ids"]:
            self.collection.update(
                ids=known["ids"],
                metadatas=[
                    {"count": meta["count"] + counts[i], "last": last[i]}
                    for i, meta in zip(known["ids"], known["metadatas"])
                ],
            )
        fresh = [template for template in counts if template not in set(known["ids"])]
        strange = self._strange(fresh)
        if fresh:
            # The template is its own id: short, readable, and unique by definition.
            self.collection.add(
                ids=fresh,
                embeddings=[shingles(x) for x in fresh],
                documents=fresh,
                metadatas=[
                    {"count": counts[x], "first": first[x], "last": last[x], "strange": x in strange} for x in fresh
                ],
            )
        return strange

    def _strange(self, fresh: list[str]) -> list[str]:
        if not fresh or self.collection.count() == 0:
            return []  # the first batch defines what is normal
        near = self.collection.query(
            query_embeddings=[shingles(x) for x in fresh], n_results=1, include=["distances"]
        )
        return [x for x, distances in zip(fresh, near["distances"]) if distances[0] > self.novelty]

    def like(self, line: str, count: int = 3) -> list[tuple[str, int, float]]:
        found = self.collection.query(query_embeddings=[shingles(parse(line).template)], n_results=count)
        return [
            (doc, meta["count"], dist)
            for doc, meta, dist in zip(found["documents"][0], found["metadatas"][0], found["distances"][0])
        ]

    def rare(self, at_most: int, since: float) -> list[str]:
        where = {"$and": [{"count": {"$lte": at_most}}, {"last": {"$gte": since}}]}
        return sorted(self.collection.get(where=where, include=[])["ids"])


def main() -> None:
    store = TemplateStore(chromadb.EphemeralClient())
    boot, later = LOG[:7], LOG[7:]

    assert store.feed(boot) == []
    strange = store.feed(later)
    print(f"{len(LOG)} lines, {store.collection.count()} templates; new kinds in the second batch:")
    print(*(f"   {x}" for x in strange), sep="\n")
    assert store.collection.count() == 12 < len(LOG)
    assert any("Out of memory" in x for x in strange) and any("I/O error" in x for x in strange)
    assert not any("new high-speed USB" in x for x in strange), "seen at boot with other numbers"

    usb = store.collection.get(where_document={"$contains": "new high-speed"})["metadatas"][0]
    assert usb["count"] == 2 and (usb["first"], usb["last"]) == (11.204, 900.4)

    template, seen, distance = store.like("[ 5000.1] blk_update_request: I/O error, dev sdq, sector 99 op 0x1")[0]
    print(f"unseen variant -> {template!r}, seen {seen} times, distance {distance:.2f}")
    assert "blk_update_request" in template and seen == 3 and distance < 0.35

    # The same batch again adds no template, only counts.
    store.feed(later)
    assert store.collection.count() == 12
    assert store.collection.get(where={"count": {"$gte": 6}})["ids"] == [template]
    assert store.rare(at_most=1, since=0) == sorted(
        parse(line).template for line in boot if "found" in line or " link " in line
    )
    flagged = store.collection.get(where={"strange": True}, include=["metadatas"])
    assert len(flagged["ids"]) == len(strange)


if __name__ == "__main__":
    main()

"""Run the retention jobs of a customer chat archive on a scheduler: expiry, legal holds, erasure requests, audit trail.

The clock is injected, so a year of nightly runs takes a second.  Deletion goes in small slices (`limit=`), so that a
run over a huge backlog can be interrupted and never blocks the collection for long.
"""
import re
import sched
from datetime import datetime, timedelta, timezone

import chromadb
from chromadb.config import Settings

DAY = 86_400
START = datetime(2023, 1, 1, tzinfo=timezone.utc)

RETENTION_DAYS = {"support": 180, "sales": 90, "complaint": 365}
SLICE = 25


class FakeClock:
    """time() and sleep() for sched.scheduler: sleeping moves the hands."""

    def __init__(self, start):
        self.now = start.timestamp()

    def time(self):
        return self.now

    def sleep(self, seconds):
        self.now += max(seconds, 0)


def embed(text):
    # Sorted-letter histogram: retention does not care about quality, only that a vector is there.
    return [float(text.lower().count(c)) for c in "abcdefghijklmnopqrstuvwxyz "]


class Archive:
    def __init__(self, client):
        self.messages = client.get_or_create_collection("chat_messages")
        self.audit = client.get_or_create_collection("retention_audit")

    def record(self, mid, customer, kind, text, at):
        self.messages.add(
            ids=[mid],
            documents=[text],
            embeddings=[embed(text)],
            metadatas=[{
                "customer": customer, "kind": kind, "at": int(at),
                # Computed on writing: the filter at night is then one comparison on one key.
                "expires": int(at + RETENTION_DAYS[kind] * DAY), "hold": False,
            }],
        )

    def log(self, action, count, now, **facts):
        n = self.audit.count()
        self.audit.add(ids=[f"{n:06d}"], embeddings=[[0.0]], metadatas=[{"action": action, "count": count, "at": int(now), **facts}])


class Job:
    """A periodic task on a sched.scheduler, re-entered after each run, even after a failed one."""

    def __init__(self, scheduler, every, function, name):
        self.scheduler, self.every, self.function, self.name = scheduler, every, function, name
        self.runs = self.failures = 0
        self.event = scheduler.enter(every, 1, self._fire)

    def _fire(self):
        self.event = self.scheduler.enter(self.every, 1, self._fire)
        self.runs += 1
        try:
            self.function()
        except Exception as error:
            self.failures += 1
            print(f"{self.name}: {type(error).__name__}: {error}")


class Retention:
    def __init__(self, archive, clock):
        self.archive, self.clock = archive, clock

    def purge_expired(self):
        """Delete what has expired and is not held, slice by slice."""
        total = 0
        where = {"$and": [{"expires": {"$lt": int(self.clock.time())}}, {"hold": False}]}
        while True:
            # Unlike a delete by ids, a delete by filter reports how many records were there.
            deleted = self.archive.messages.delete(where=where, limit=SLICE)["deleted"]
            total += deleted
            if deleted < SLICE:
                break
        if total:
            self.archive.log("expired", total, self.clock.time())
        return total

    def mask_card_numbers(self):
        """Redact sixteen-digit numbers wherever they slipped into a message."""
        pattern = r"\b[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{4}\b"
        rows = self.archive.messages.get(where_document={"$regex": pattern}, include=["documents"])
        if not rows["ids"]:
            return 0
        clean = [re.sub(pattern, "[card]", d) for d in rows["documents"]]
        # The old vector was made from the secret as well: replace it together with the text.
        self.archive.messages.update(ids=rows["ids"], documents=clean, embeddings=[embed(d) for d in clean])
        self.archive.log("masked", len(clean), self.clock.time())
        return len(clean)

    def set_hold(self, customer, hold):
        ids = self.archive.messages.get(where={"customer": customer}, include=[])["ids"]
        if ids:
            self.archive.messages.update(ids=ids, metadatas=[{"hold": hold}] * len(ids))
        self.archive.log("hold" if hold else "release", len(ids), self.clock.time(), customer=customer)

    def erase(self, customer):
        """A request under article 17: everything at once, unless a legal hold forbids it."""
        held = self.archive.messages.get(where={"$and": [{"customer": customer}, {"hold": True}]}, limit=1, include=[])
        if held["ids"]:
            self.archive.log("erasure refused", 0, self.clock.time(), customer=customer)
            return 0
        n = self.archive.messages.delete(where={"customer": {"$eq": customer}})["deleted"]
        self.archive.log("erased", n, self.clock.time())        # without the name: the log must forget, too
        return n


def main():
    client = chromadb.EphemeralClient(settings=Settings(anonymized_telemetry=False, allow_reset=True))
    archive = Archive(client)
    clock = FakeClock(START)
    retention = Retention(archive, clock)

    kinds = list(RETENTION_DAYS)
    for n in range(120):
        archive.record(f"m{n:03d}", f"cust-{n % 8}", kinds[n % 3], f"message {n} about an order", clock.time() + n * DAY / 4)
    archive.record("m900", "cust-1", "support", "my card is 4111 1111 1111 1111, please refund", clock.time())

    scheduler = sched.scheduler(clock.time, clock.sleep)
    nightly = Job(scheduler, 7 * DAY, retention.purge_expired, "purge")
    masking = Job(scheduler, DAY * 30, retention.mask_card_numbers, "mask")
    broken = Job(scheduler, 300 * DAY, lambda: archive.messages.delete(), "broken")     # no ids, no filter: refused
    scheduler.enterabs((START + timedelta(days=60)).timestamp(), 0, retention.set_hold, ("cust-3", True))
    scheduler.enterabs((START + timedelta(days=61)).timestamp(), 0, retention.erase, ("cust-3",))
    scheduler.enterabs((START + timedelta(days=62)).timestamp(), 0, retention.erase, ("cust-5",))

    end = (START + timedelta(days=425)).timestamp()
    sizes = {}
    while clock.time() < end:
        scheduler.run(blocking=False)
        clock.sleep(scheduler.queue[0].time - clock.time())
        sizes[int((clock.time() - START.timestamp()) // DAY)] = archive.messages.count()

    # 15 messages belonged to cust-3: held, hence still there long after everything else has expired.
    left = archive.messages.get(include=["metadatas"])
    assert {m["customer"] for m in left["metadatas"]} == {"cust-3"} and len(left["ids"]) == 15
    assert (broken.failures, nightly.failures, masking.failures) == (1, 0, 0), "one bad job does not stop the others"
    assert sizes[63] == 121 - 15 and sizes[140] < sizes[84]

    actions = {}
    for meta in archive.audit.get(include=["metadatas"])["metadatas"]:
        actions[meta["action"]] = actions.get(meta["action"], 0) + meta["count"]
    assert actions == {"masked": 1, "hold": 15, "erasure refused": 0, "erased": 15, "expired": 91}, actions
    named = archive.audit.get(where={"customer": "cust-5"}, include=[])
    assert named["ids"] == [], "nobody can read from the audit who was erased"

    retention.set_hold("cust-3", False)
    assert retention.purge_expired() == 15 and archive.messages.count() == 0
    print(f"{nightly.runs} purges, {masking.runs} mask runs; actions: {actions}")
    client.reset()


if __name__ == "__main__":
    main()

"""Flag unusual days of a greenhouse from its sensor readings with the local outlier factor over Chroma queries."""
import argparse
import csv
import io
import random
import statistics

import chromadb

FEATURES = ("temperature", "humidity", "co2", "light")
K = 6


def simulate_csv(days=80, seed=3):
    """What the data logger would have written: two seasons, and three days on which something broke."""
    rng = random.Random(seed)
    buf = io.StringIO()
    w = csv.writer(buf)
    w.writerow(("day", *FEATURES))
    for day in range(days):
        warm = day % 2 == 0
        base = (26, 60, 800, 900) if warm else (18, 75, 600, 400)
        jitter = (0.8, 2.0, 25, 40)
        row = [rng.gauss(b, j) for b, j in zip(base, jitter)]
        if day == 21:
            row[0] += 9          # heating valve stuck
        elif day == 44:
            row[2] = 1900        # burner left on
        elif day == 63:
            row[1] = 35          # vents open all day
        w.writerow((day, *(f"{x:.2f}" for x in row)))
    return buf.getvalue()


def standardise(rows):
    """z-scores with median and MAD: the outliers we look for must not stretch their own yardstick."""
    columns = list(zip(*rows))
    scaled = []
    for col in columns:
        mid = statistics.median(col)
        mad = statistics.median(abs(x - mid) for x in col) or 1.0
        scaled.append([(x - mid) / (1.4826 * mad) for x in col])
    return [list(r) for r in zip(*scaled)]


def load(collection, text):
    records = list(csv.DictReader(io.StringIO(text)))
    vectors = standardise([[float(r[f]) for f in FEATURES] for r in records])
    collection.add(
        ids=[f'day-{int(r["day"]):03d}' for r in records],
        embeddings=vectors,
        metadatas=[{'day': int(r['day']), **{f: float(r[f]) for f in FEATURES}} for r in records],
    )


def neighbourhoods(collection, k):
    """id -> [(neighbour, distance)], self excluded, for all records with a single batched query."""
    data = collection.get(include=['embeddings'])
    answer = collection.query(query_embeddings=data['embeddings'], n_results=k + 1, include=['distances'])
    result = {}
    for me, ids, dists in zip(data['ids'], answer['ids'], answer['distances']):
        # The 'l2' space reports SQUARED distances.
        pairs = [(i, max(d, 0.0) ** 0.5) for i, d in zip(ids, dists) if i != me]
        result[me] = pairs[:k]
    return result


def local_outlier_factors(near):
    """Breunig et al. 2000.  About 1: as dense as the neighbours; well above: lonely where others crowd."""
    k_distance = {i: pairs[-1][1] for i, pairs in near.items()}
    density = {}
    for i, pairs in near.items():
        reach = [max(d, k_distance[j]) for j, d in pairs]
        density[i] = len(reach) / (sum(reach) or 1e-12)
    return {i: statistics.fmean(density[j] for j, _ in pairs) / density[i] for i, pairs in near.items()}


def flag(collection, threshold):
    lof = local_outlier_factors(neighbourhoods(collection, K))
    ids = list(lof)
    collection.update(ids=ids, metadatas=[{'lof': round(lof[i], 3), 'outlier': lof[i] > threshold} for i in ids])
    return lof


def explain(collection, day_id):
    """Which sensor sets this day apart from its nearest ordinary days?"""
    row = collection.get(ids=[day_id], include=['embeddings'])
    normal = collection.query(
        query_embeddings=row['embeddings'], n_results=K, where={'outlier': {'$ne': True}}, include=['embeddings'],
    )
    typical = [statistics.fmean(c) for c in zip(*normal['embeddings'][0])]
    gaps = {f: abs(float(a) - b) for f, a, b in zip(FEATURES, row['embeddings'][0], typical)}
    return max(gaps, key=gaps.get)


def main(argv=None):
    ap = argparse.ArgumentParser()
    ap.add_argument('--threshold', type=float, default=2.5, help='local outlier factor from which a day is flagged')
    opts = ap.parse_args(argv)

    client = chromadb.EphemeralClient()
    # Every point is compared with its true neighbours: search wide, the collection is small.
    days = client.create_collection('greenhouse', configuration={'hnsw': {'space': 'l2', 'ef_search': 200, 'ef_construction': 200}})
    load(days, simulate_csv())
    assert days.count() == 80

    lof = flag(days, opts.threshold)
    flagged = days.get(where={'outlier': True}, include=['metadatas'])
    assert sorted(flagged['ids']) == ['day-021', 'day-044', 'day-063'], flagged['ids']
    ordinary = [v for i, v in lof.items() if i not in flagged['ids']]
    assert max(ordinary) < opts.threshold < min(lof[i] for i in flagged['ids'])

    causes = {i: explain(days, i) for i in flagged['ids']}
    assert causes == {'day-021': 'temperature', 'day-044': 'co2', 'day-063': 'humidity'}

    # From now on the analysts work on clean data: filters see the verdict.
    clean = days.get(where={'$and': [{'outlier': False}, {'temperature': {'$lt': 22}}]}, include=['metadatas'])
    print('clean cool days:', len(clean['ids']), '- mean lof %.2f' % statistics.fmean(m['lof'] for m in clean['metadatas']))
    for i, meta in sorted(zip(flagged['ids'], flagged['metadatas']), key=lambda p: -p[1]['lof']):
        print(f"{i}  lof={meta['lof']:<7} look at: {causes[i]} = {meta[causes[i]]}")


if __name__ == '__main__':
    main([])

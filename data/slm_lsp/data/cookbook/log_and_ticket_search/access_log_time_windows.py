'''Ingest a large web access log in batches and look at it by time window, status, path pattern and odd behaviour.'''
import datetime
import random
import re
import time

import chromadb
import numpy as np

LINE = re.compile(
    r'(?P<ip>\S+) - - \[(?P<when>[^\]]+)\] "(?P<method>[A-Z]+) (?P<path>\S+) HTTP/1.1" (?P<status>\d{3}) (?P<size>\d+)'
)
START = datetime.datetime(2025, 2, 10, tzinfo=datetime.timezone.utc)
WINDOW = 600  # seconds that are summed up in one vector


def synthetic_log(rng, count):
    '''Twelve hours of a small shop, with a scanner at work between 04:00 and 04:20.'''
    pages = ['/', '/cart', '/product/17', '/product/92', '/search?q=lamp', '/login', '/static/app.js']
    seconds = sorted(rng.uniform(0, 12 * 3600) for _ in range(count))
    for s in seconds:
        at = START + datetime.timedelta(seconds=s)
        if 4 * 3600 <= s < 4 * 3600 + 1200 and rng.random() < 0.7:
            ip, path, status = '203.0.113.9', rng.choice(['/wp-login.php', '/.env', '/admin/setup.php', '/.git/config']), 404
        else:
            ip = f'198.51.100.{rng.randint(1, 60)}'
            path, status = rng.choice(pages), rng.choices([200, 304, 404, 500], [90, 6, 3, 1])[0]
        yield f'{ip} - - [{at:%d/%b/%Y:%H:%M:%S +0000}] "GET {path} HTTP/1.1" {status} {rng.randint(200, 9000)}'


def parse(line):
    m = LINE.fullmatch(line)
    if m is None:
        raise ValueError(f'not an access log line: {line!r}')
    at = datetime.datetime.strptime(m['when'], '%d/%b/%Y:%H:%M:%S %z')
    return {
        'ip': m['ip'], 'at': int(at.timestamp()), 'method': m['method'], 'path': m['path'],
        'status': int(m['status']), 'size': int(m['size']), 'window': int(at.timestamp()) // WINDOW,
    }


def line_vector(row):
    '''Tiny on purpose: a log line is found by its metadata, the vector only says what kind it is.'''
    path = row['path']
    return [
        row['status'] // 100 == 2, row['status'] == 404, row['status'] >= 500,
        path.startswith('/product'), path.startswith('/static'), bool(re.search(r'\.php|/\.', path)),
        '?' in path, 0.1,
    ]


def batches(iterable, size):
    chunk = []
    for item in iterable:
        chunk.append(item)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def ingest(client, collection, lines):
    total = 0
    # The server tells how many records one call may carry; more raises an error.
    size = min(400, client.get_max_batch_size())
    for batch in batches(enumerate(lines), size):
        rows = [parse(line) for _, line in batch]
        collection.add(
            ids=[f'{n:08d}' for n, _ in batch],
            embeddings=np.array([line_vector(r) for r in rows], dtype=np.float32),
            documents=[line for _, line in batch],
            metadatas=rows,
        )
        total += len(batch)
    return total


def summarise_windows(lines, windows):
    '''One record per ten minutes: the mean of its line vectors. Odd windows are far from the usual ones.'''
    sums = {}
    for meta, vector in lines:
        total, n = sums.get(meta['window'], (0, 0))
        sums[meta['window']] = (total + vector, n + 1)
    keys = sorted(sums)
    windows.add(
        ids=[str(k) for k in keys],
        embeddings=np.array([sums[k][0] / sums[k][1] for k in keys], dtype=np.float32),
        metadatas=[{'start': k * WINDOW, 'lines': sums[k][1]} for k in keys],
    )


def every_line(collection, page=900):
    '''Walk the whole collection in pages; one huge get() would hold everything in memory at once.'''
    offset = 0
    while True:
        part = collection.get(limit=page, offset=offset, include=['metadatas', 'embeddings'])
        if not part['ids']:
            return
        yield from zip(part['metadatas'], part['embeddings'])
        offset += len(part['ids'])


def clock(seconds):
    return f'{datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc):%H:%M}'


def main():
    client = chromadb.EphemeralClient()
    log = client.create_collection('access_log')
    started = time.perf_counter()
    count = ingest(client, log, synthetic_log(random.Random(11), 2_400))
    print(f'{count} lines in {time.perf_counter() - started:.1f} s')
    assert log.count() == count == 2_400

    # Between three and four o'clock, what failed?
    three = int(START.timestamp()) + 3 * 3600
    night = {'$and': [{'at': {'$gte': three}}, {'at': {'$lt': three + 3600}}]}
    failed = log.get(where={'$and': [*night['$and'], {'status': {'$gte': 400}}]}, include=['metadatas'])
    assert all(three <= m['at'] < three + 3600 and m['status'] >= 400 for m in failed['metadatas'])

    # Path patterns: dot-files and php on a site that has neither.
    probes = log.get(where_document={'$regex': r'GET /(\.[a-z]+|[a-z/-]+\.php)'}, include=['metadatas'])
    culprits = {m['ip'] for m in probes['metadatas']}
    print(f"{len(probes['ids'])} probes from {culprits}")
    assert culprits == {'203.0.113.9'}

    # The same question without a pattern: ten-minute windows that are unlike all the others.
    windows = client.create_collection('access_windows', configuration={'hnsw': {'space': 'l2'}})
    summarise_windows(every_line(log), windows)
    everything = windows.get(include=['embeddings', 'metadatas'])
    usual = np.median(everything['embeddings'], axis=0)
    ranked = windows.query(query_embeddings=[usual], n_results=windows.count(), include=['metadatas', 'distances'])
    odd = sorted(clock(m['start']) for m in ranked['metadatas'][0][-2:])
    print('odd windows:', odd)
    assert odd == ['04:00', '04:10'] and windows.count() == 72
    assert ranked['distances'][0][-2] > 3 * ranked['distances'][0][-3]

    # Block list in hand, the scanner's lines go in one call; the rest stays.
    removed = log.delete(where={'ip': {'$in': sorted(culprits)}})['deleted']
    assert removed == len(probes['ids']) and log.count() == 2_400 - removed
    assert not log.get(where_document={'$contains': 'wp-login'}, limit=1)['ids']

    try:
        ingest(client, log, ['garbage'])
    except ValueError as error:
        print('rejected:', error)
    else:
        raise AssertionError('garbage was parsed')


if __name__ == '__main__':
    main()

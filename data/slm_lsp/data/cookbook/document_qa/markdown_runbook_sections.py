"""Index a markdown runbook section by section, with the breadcrumb of headings as searchable metadata."""
from dataclasses import dataclass
import re

import chromadb

RUNBOOK = '''
# Database

General rules for the on-call engineer.

## Failover

### Planned
Announce a window of five minutes, then promote the replica.
Point the proxy at the new primary.

### Unplanned
Check that the old primary is really fenced before promoting the replica.

```bash
# fence first
pgctl fence --node old-primary
```

## Backups
Restores are tested on the first Monday. Nightly dumps are kept for 35 days.

# Network

## Certificates
Renewal starts 20 days before expiry. Reload the proxy afterwards.

## Failover
Shift the announcement to the second uplink.
'''


@dataclass
class Section:
    trail: tuple
    body: str
    code: bool

    @property
    def id(self):
        return '/'.join(re.sub(r'\W+', '-', h.lower()).strip('-') for h in self.trail)


def split_sections(markdown):
    """Walk the lines with a stack of headings; a '#' inside a code fence is not a heading."""
    trail, body, fenced, code = [], [], False, False

    def flush():
        text = '\n'.join(body).strip()
        if text:
            yield Section(tuple(trail), text, code)

    for line in markdown.splitlines():
        if line.startswith('```'):
            fenced = not fenced
            code = True
        heading = None if fenced else re.match(r'(#{1,6})\s+(.*)', line)
        if heading:
            yield from flush()
            body, code = [], False
            depth = len(heading[1])
            trail[depth - 1:] = [heading[2].strip()]
        else:
            body.append(line)
    yield from flush()


# ---- vectors ---------------------------------------------------------------
# Words are folded into 211 slots (a prime, so that the polynomial hash spreads well).

def fold(word):
    h = 0
    for ch in word:
        h = (h * 131 + ord(ch)) % 211
    return h


def vectorise(text):
    v = [0.01] * 211
    for word in re.findall('[a-z]{4,}', text.lower()):
        v[fold(word[:6])] += 1
    return v


# ---- index -----------------------------------------------------------------

def load(collection, file_name, markdown):
    sections = list(split_sections(markdown))
    collection.upsert(
        ids=[f'{file_name}#{s.id}' for s in sections],
        documents=[s.body for s in sections],
        # The headings go into the vector twice: a short section is mostly about its title.
        embeddings=[vectorise(' '.join(s.trail * 2) + ' ' + s.body) for s in sections],
        metadatas=[
            {
                'file': file_name,
                'breadcrumb': ' > '.join(s.trail),
                'headings': list(s.trail),          # an array: {'headings': {'$contains': 'Failover'}}
                'depth': len(s.trail),
                'has_code': s.code,
            }
            for s in sections
        ],
    )
    return sections


def under(collection, *headings, **flags):
    """Sections that lie below all of the headings, optionally with exact flags such as has_code=True."""
    clauses = [{'headings': {'$contains': h}} for h in headings]
    clauses += [{key: value} for key, value in flags.items()]
    where = clauses[0] if len(clauses) == 1 else {'$and': clauses}   # $and wants at least two
    return collection.get(where=where, include=['metadatas'])


def outline(collection, file_name):
    rows = collection.get(where={'file': file_name}, include=['metadatas'])
    return sorted(m['breadcrumb'] for m in rows['metadatas'])


def search(collection, question, below=None, n=2):
    result = collection.query(
        query_embeddings=vectorise(question),
        n_results=n,
        where={'headings': {'$contains': below}} if below else None,
        include=['metadatas', 'documents', 'distances'],
    )
    return list(zip(result['metadatas'][0], result['documents'][0], result['distances'][0]))


if __name__ == '__main__':
    client = chromadb.Client()
    runbooks = client.get_or_create_collection('runbooks', configuration={'hnsw': {'space': 'cosine'}})
    sections = load(runbooks, 'oncall.md', RUNBOOK)
    assert runbooks.count() == len(sections) == 6

    for crumb in outline(runbooks, 'oncall.md'):
        print('*', crumb)

    # Two sections are called Failover; the trail tells them apart, so the ids do not collide.
    assert sorted(runbooks.get(where={'headings': {'$contains': 'Failover'}})['ids']) == [
        'oncall.md#database/failover/planned',
        'oncall.md#database/failover/unplanned',
        'oncall.md#network/failover',
    ]
    assert under(runbooks, 'Network', 'Failover')['ids'] == ['oncall.md#network/failover']
    assert under(runbooks, 'Database', has_code=True)['ids'] == ['oncall.md#database/failover/unplanned']
    assert len(under(runbooks, 'Database')['ids']) == 4

    # "# fence first" is a comment in a code block, not a section.
    fenced = runbooks.get(where_document={'$contains': 'pgctl fence'}, include=['documents', 'metadatas'])
    assert fenced['metadatas'][0]['breadcrumb'] == 'Database > Failover > Unplanned'

    meta, text, distance = search(runbooks, 'how long are nightly dumps kept')[0]
    print(f'\n{meta["breadcrumb"]}: {text} ({distance:.2f})')
    assert meta['breadcrumb'] == 'Database > Backups'

    # The same question below another heading gives the answer for that chapter.
    assert search(runbooks, 'planned failover')[0][0]['breadcrumb'].startswith('Database')
    assert search(runbooks, 'planned failover', below='Network')[0][0]['breadcrumb'] == 'Network > Failover'

    # Renaming a heading changes the ids below it, so the old sections are cleared by file name first.
    removed = runbooks.delete(where={'file': 'oncall.md'})
    load(runbooks, 'oncall.md', RUNBOOK.replace('# Network', '# Networking'))
    assert removed['deleted'] == 6 and runbooks.count() == 6
    assert under(runbooks, 'Network')['ids'] == []
    print('re-titled and re-indexed:', under(runbooks, 'Networking')['ids'])

'''Search the commits of a greenhouse controller: by meaning, by author and file, and "when did this break?".'''

import email.utils
import re
import textwrap

import chromadb
from chromadb import Collection

# What `git log --reverse --name-only --format='commit %h%nAuthor: %an%nDate: %aD%n%s%n%b'` prints.
GIT_LOG = '''
commit 1a9f3c0
Author: Ines
Date: Mon, 06 Jan 2025 09:12:00 +0100
Add moisture sensor driver
Reads the capacitive probe once a minute.

src/sensors/moisture.py
commit 2b04d11
Author: Pavel
Date: Tue, 14 Jan 2025 17:40:00 +0100
Open the vents above 28 degrees

src/climate/vents.py
commit 3c77e52
Author: Ines
Date: Wed, 22 Jan 2025 08:05:00 +0100
Fix: moisture readings negative on cold mornings
The probe's offset drifts below five degrees; compensate it.
Closes #41.

src/sensors/moisture.py
commit 4d18aa3
Author: Rui
Date: Mon, 03 Feb 2025 21:30:00 +0100
Refactor valve scheduling into a state machine
No change in behaviour intended.

src/irrigation/valves.py
src/irrigation/schedule.py
commit 5e902bd
Author: Pavel
Date: Thu, 06 Feb 2025 10:01:00 +0100
Fix: vents flapping around the threshold
Hysteresis of two degrees. Closes #47.

src/climate/vents.py
commit 6f5513e
Author: Rui
Date: Fri, 14 Feb 2025 16:22:00 +0100
Fix: valves stay open after power loss
Closing is now the first state after boot. Fixes #52.

src/irrigation/valves.py
commit 7a0b9f8
Author: Ines
Date: Sat, 01 Mar 2025 12:00:00 +0100
Document the wiring of the probes

docs/sensors.md
'''


def parse_log(text):
    for block in re.split(r'^commit ', text, flags=re.M)[1:]:
        sha, author, date, *rest = block.strip().splitlines()
        lines = [line for line in rest if line]
        files = [line for line in lines if re.fullmatch(r'[\w/.-]+/[\w.-]+', line)]
        message = [line for line in lines if line not in files]
        yield {
            'sha': sha,
            'author': author.removeprefix('Author: '),
            'at': int(email.utils.parsedate_to_datetime(date.removeprefix('Date: ')).timestamp()),
            'subject': message[0],
            'body': '\n'.join(message[1:]),
            'files': files,
        }


class CommitWords(chromadb.EmbeddingFunction):
    '''Subject and body as a bag of stems; the nouns of a project are few, so 128 slots are enough.'''

    def __init__(self, slots=128, stem=6):
        self.slots, self.stem = slots, stem

    def __call__(self, input):
        out = []
        for text in input:
            row = [0.02] * self.slots
            for word in re.findall(r'[a-z]{4,}', text.lower()):
                if word in ('with', 'into', 'after', 'once', 'when', 'this', 'that', 'what', 'they', 'above', 'below'):
                    continue
                key = 0
                for letter in word[:self.stem]:
                    key = key * 29 + ord(letter) - 96
                row[key % self.slots] += 1
            out.append(row)
        return out

    @staticmethod
    def name():
        return 'commit-words'

    def get_config(self):
        return dict(slots=self.slots, stem=self.stem)

    @staticmethod
    def build_from_config(config):
        return CommitWords(**config)


def directories(files):
    '''src/climate/vents.py -> src, src/climate: so that a whole folder can be asked for.'''
    found = {}
    for name in files:
        parts = name.split('/')[:-1]
        for depth in range(1, len(parts) + 1):
            found['/'.join(parts[:depth])] = None
    return list(found)


def load(commits: Collection, log_text):
    rows = list(parse_log(log_text))
    have = set(commits.get(ids=[r['sha'] for r in rows], include=[])['ids']) if rows else set()
    new = [r for r in rows if r['sha'] not in have]     # commits never change: skip what is known
    if not new:
        return 0
    commits.add(
        ids=[r['sha'] for r in new],
        documents=[f"{r['subject']}\n{r['body']}".strip() for r in new],
        metadatas=[
            {
                'author': r['author'],
                'at': r['at'],
                'files': r['files'],
                'folders': directories(r['files']),
                'kind': 'fix' if r['subject'].startswith('Fix') else 'change',
                # a list may not be empty: a commit that closes nothing has no such key
                **({'closes': closes} if (closes := [int(n) for n in re.findall(r'#(\d+)', r['body'])]) else {}),
            }
            for r in new
        ],
    )
    return len(new)


def about(commits: Collection, topic, n=3, **filters):
    operators = {'author': '$eq', 'kind': '$eq', 'folder': '$contains', 'file': '$contains', 'since': '$gte', 'until': '$lt'}
    keys = {'folder': 'folders', 'file': 'files', 'since': 'at', 'until': 'at'}
    clauses = [{keys.get(k, k): {operators[k]: v}} for k, v in filters.items()]
    where = {'$and': clauses} if len(clauses) > 1 else (clauses[0] if clauses else None)
    page = commits.query(query_texts=[topic], n_results=n, where=where, include=['documents', 'metadatas'])
    return list(zip(page['ids'][0], page['documents'][0], page['metadatas'][0]))


def last_touch(commits: Collection, file, before=None):
    '''The newest commit on a file; Chroma has no ORDER BY, so the few candidates are sorted here.'''
    rows = commits.get(where={'files': {'$contains': file}}, include=['metadatas'])
    dated = [(m['at'], sha, m['author']) for sha, m in zip(rows['ids'], rows['metadatas']) if before is None or m['at'] < before]
    return max(dated)[1:] if dated else None


def main():
    client = chromadb.EphemeralClient()
    commits = client.create_collection(
        'commits', embedding_function=CommitWords(slots=192), configuration={'hnsw': {'space': 'cosine'}}
    )
    assert load(commits, GIT_LOG) == 7
    assert load(commits, GIT_LOG) == 0, 'the same log again adds nothing'

    for sha, text, meta in about(commits, 'water runs on after a power cut, valves open', n=2):
        print(f"{sha} {meta['author']:<6}", textwrap.shorten(text, 60))
    assert about(commits, 'valves stay open, power loss')[0][0] == '6f5513e'

    vents = [sha for sha, _, _ in about(commits, 'vents', folder='src/climate', kind='fix')]
    assert vents == ['5e902bd']
    assert {m['author'] for _, _, m in about(commits, 'moisture probe', n=5, author='Ines')} == {'Ines'}

    # The issue number leads to the commit, a number inside of an array.
    issue = commits.get(where={'closes': {'$contains': 47}}, include=['metadatas'])
    assert issue['ids'] == ['5e902bd'] and issue['metadatas'][0]['files'][0] == 'src/climate/vents.py'
    assert len(commits.get(where={'closes': {'$not_contains': 47}})['ids']) == 6, 'those that close nothing count too'

    # "It broke in mid-February": who touched the valves before and who right then?
    broke = commits.get(ids=['6f5513e'])['metadatas'][0]['at']
    assert last_touch(commits, 'src/irrigation/valves.py') == ('6f5513e', 'Rui')
    suspect = last_touch(commits, 'src/irrigation/valves.py', before=broke)
    print('suspect:', *suspect)
    assert suspect == ('4d18aa3', 'Rui')

    # Words in the message, exactly: case-insensitive pattern, and not merely a refactoring.
    claims = commits.get(where_document={'$and': [{'$regex': r'(?i)no change in behaviou?r'}, {'$not_contains': 'Fix'}]})
    assert claims['ids'] == ['4d18aa3']
    february = about(commits, 'fix', n=9, since=1738364400, until=1740783600)
    assert {sha for sha, _, _ in february} == {'4d18aa3', '5e902bd', '6f5513e'}
    print('commits in February:', len(february))


if __name__ == '__main__':
    main()

"""Small lists with whatever errors a test wants."""

from safetynet.core.lists import editions, sieve
from safetynet.core.lists.sieve import Heap
from safetynet.core.lists.words import Chunk, Problem, Word
from safetynet.core.terms import CentreId

CITY = CentreId("garam")
GOOD = {
    Word.LAT: "36.3283",
    Word.LON: "127.4541",
    Word.COUNT: "2",
    Word.OWNER: "가람시 동구청",
    Word.ROAD: "가람시 동구 별빛로 1",
    Word.LOT: "",
    Word.PURPOSE: "생활방범",
    Word.VIEW: "",
    Word.DATED: "2026-05-20",
}


def heap(*rows, owner=None, chunk_rows=1000):
    found = Heap(owner=owner)
    full = [{**GOOD, Word.NUMBER: f"2026-{n}", **row} for n, row in enumerate(rows)]
    for start in range(0, len(full), chunk_rows):
        part = full[start : start + chunk_rows]
        words = list(dict.fromkeys(word for row in full for word in row))
        columns = {word: [row.get(word, "") for row in part] for word in words}
        found.take(Chunk(columns, range(start + 2, start + 2 + len(part))))
    return found


def sifted(*rows, owner=None, **more):
    return sieve.sift(heap(*rows, owner=owner), **more)


def problems(*rows, **more):
    return {each.value: n for each, n in sifted(*rows, **more).problems().items()}


def edition(before, *rows, **more):
    judged = sifted(*rows, **more)
    sites, where = editions.sites_of(judged)
    made, changes = editions.follow(CITY, sites, before)
    return made, changes, judged, where


def town(count=25, **more):
    """Sites close together, so that the owner has a middle."""
    return [
        {Word.LAT: f"36.31{n:02d}", Word.LON: f"127.41{n:02d}", Word.ROAD: f"은하로 {n}", **more} for n in range(count)
    ]


def accepted(*words):
    return frozenset(Problem(word) for word in words)

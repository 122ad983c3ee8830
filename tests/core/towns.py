"""Small road graphs for tests."""

from random import Random

from safetynet.core import geo
from safetynet.core.roads import Rank, Street, pack

PLANE = geo.Plane(36.35, 127.38)


def town(side=5, seed=1, spacing=95.0, one_way=0.2, missing=0.1):
    dice = Random(seed)
    spots = [
        PLANE.to_latlon(column * spacing + dice.gauss(0, 9), row * spacing + dice.gauss(0, 9))
        for row in range(side)
        for column in range(side)
    ]
    streets = []
    for row in range(side):
        for column in range(side):
            here = row * side + column
            for there, fits in ((here + 1, column + 1 < side), (here + side, row + 1 < side)):
                if not fits or dice.random() < missing:
                    continue
                once = dice.random() < one_way
                rank = dice.choice((Rank.PATH, Rank.LOCAL, Rank.LOCAL, Rank.COLLECTOR, Rank.TRUNK))
                streets.append(
                    Street(
                        here,
                        there,
                        (spots[here], spots[there]),
                        rank,
                        name=f"길 {row}",
                        along=rank is not Rank.PATH,
                        against=rank is not Rank.PATH and not once,
                    )
                )
    return pack([tuple(each) for each in spots], streets)


def line(count=6, metres=100.0, **more):
    """One straight street to the east, in pieces."""
    spots = [tuple(PLANE.to_latlon(k * metres, 0.0)) for k in range(count)]
    return pack(
        spots, [Street(k, k + 1, (spots[k], spots[k + 1]), Rank.LOCAL, name="곧은길", **more) for k in range(count - 1)]
    )

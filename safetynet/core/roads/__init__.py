"""The road graph: what can be reached in so many minutes, by which way, and how long it takes.

`graph` is the network as numbers: streets cut into cells of about 20 m in both directions. `ways` goes over it.

Absent on purpose: files of others (edge/roads), people (`pursuit`), units (`dispatch`).
"""

from safetynet.core.roads.graph import CELL_M, HALF_WIDTH_M, Rank, Roads, Street, compiled, pack
from safetynet.core.roads.ways import Reach, Route, Travel, arrival_s, costs_s, place_near, reach, route, seconds_to

__all__ = [
    "CELL_M",
    "HALF_WIDTH_M",
    "Rank",
    "Reach",
    "Roads",
    "Route",
    "Street",
    "Travel",
    "arrival_s",
    "compiled",
    "costs_s",
    "pack",
    "place_near",
    "reach",
    "route",
    "seconds_to",
]

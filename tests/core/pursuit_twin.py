"""The belief once more, in plain Python with dictionaries, written from the model and not from the kernels."""

import math
from collections import defaultdict


class Twin:
    """Mass per (cell, gait)."""

    def __init__(self, ground, belief, anchor=None):
        self.ground, self.model, self.roads = ground, ground.model, ground.roads
        self.anchor = anchor
        self.mass = {
            (int(cell), c): float(belief.chance[row, c])
            for row, cell in enumerate(belief.cells)
            for c in range(self.model.columns)
            if belief.chance[row, c]
        }

    def distances(self):
        """Walking seconds from the anchor to every junction, by relaxing until nothing changes."""
        roads, cell = self.roads, int(self.roads.place_cell[self.anchor])
        even = int(roads.cell_arc[cell])
        first, after = int(roads.arc_first[even]), int(roads.arc_first[even + 1])
        share = (cell - first + 0.5) / (after - first)
        walk = float(roads.arc_m[even]) / 1.3
        best = defaultdict(lambda: math.inf)
        best[int(roads.arc_to[even])] = walk * (1 - share)
        best[int(roads.arc_from[even])] = min(best[int(roads.arc_from[even])], walk * share)
        for _ in range(roads.nodes):
            moved = False
            for arc in range(roads.arcs):
                there = best[int(roads.arc_from[arc])] + float(roads.arc_m[arc]) / 1.3
                if roads.arc_foot[arc] and there < best[int(roads.arc_to[arc])] - 1e-9:
                    best[int(roads.arc_to[arc])] = there
                    moved = True
            if not moved:
                break
        return best

    def turns(self, arc, c):
        roads, model, gait = self.roads, self.model, self.model.gaits[c]
        away = self.distances() if self.anchor is not None else None
        weights = {}
        for k in range(int(roads.turn_offset[arc]), int(roads.turn_offset[arc + 1])):
            onto = int(roads.turn_arc[k])
            said = model.straight * float(roads.turn_cos[k])
            if away is not None:
                gained = (away[int(roads.arc_to[onto])] - away[int(roads.arc_from[onto])]) / (roads.arc_m[onto] / 1.3)
                said += model.away * max(-1.0, min(1.0, gained))
            if onto == arc ^ 1:
                said -= model.back
            if gait.car_share:
                said += model.wide * int(roads.arc_rank[onto])
                said -= 0 if roads.arc_car[onto] else model.illegal
            else:
                said -= 0 if roads.arc_foot[onto] else model.illegal
            weights[onto] = math.exp(said)
        whole = sum(weights.values())
        return {onto: value / whole for onto, value in weights.items()}

    def step(self, dt=1):
        roads, new = self.roads, defaultdict(float)
        for (cell, c), x in self.mass.items():
            gait = self.model.gaits[c]
            arc = int(roads.cell_arc[cell])
            speed = gait.mps + gait.car_share * float(roads.arc_mps[arc])
            go = x * min(0.95, speed * dt / float(roads.cell_m[cell]))
            back = (x - go) * gait.turns_per_s * dt
            new[cell, c] += x - go - back
            new[int(roads.cell_twin[cell]), c] += back
            if cell + 1 < int(roads.arc_first[arc + 1]):
                new[cell + 1, c] += go
            elif go:
                for onto, share in self.turns(arc, c).items():
                    new[int(roads.arc_first[onto]), c] += go * share
        whole = sum(new.values())
        self.mass = {key: value / whole for key, value in new.items()}

    def change(self):
        """Gaits, without the ways through blocks."""
        new = defaultdict(float)
        for (cell, c), x in self.mass.items():
            for d in range(self.model.columns):
                new[cell, d] += x * float(self.model.mixing[c, d])
        self.mass = dict(new)

    def silence(self, looked, worth):
        views = self.ground.views
        for view, chance in looked:
            for k in range(int(views.offset[view]), int(views.offset[view + 1])):
                for key in [each for each in self.mass if self.roads.cell_place[each[0]] == views.place[k]]:
                    if self.model.gaits[key[1]].means is not None:
                        self.mass[key] *= 1 - chance * float(worth[k])
        whole = sum(self.mass.values())
        self.mass = {key: value / whole for key, value in self.mass.items()}

    def largest_gap(self, belief):
        """Between the two, over all cells and gaits."""
        theirs = {
            (int(cell), c): float(belief.chance[row, c])
            for row, cell in enumerate(belief.cells)
            for c in range(self.model.columns)
        }
        return max(abs(self.mass.get(key, 0.0) - theirs.get(key, 0.0)) for key in {*self.mass, *theirs})

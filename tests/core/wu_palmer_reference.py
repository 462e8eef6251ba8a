"""Both definitions of Wu-Palmer similarity as plainly as can be, and a strategy for random taxonomies."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import strategies as st


class Reference:
    """Both policies on a small graph, following the definitions word by word."""

    def __init__(self, names, parents):
        self.names, self.parents = names, parents
        self.kind = [name.rsplit(".", 2)[1] for name in names]

    def up(self, s):
        """Ancestor (and s itself) -> edges on the shortest way up."""
        found, layer, edges = {}, [s], 0
        while layer:
            found |= {x: edges for x in layer if x not in found}
            layer, edges = [p for x in layer for p in self.parents[x] if p not in found], edges + 1
        return found

    def depth(self, s, choose):
        return 1 + choose(self.depth(p, choose) for p in self.parents[s]) if self.parents[s] else 0

    def symmetric(self, a, b):
        roots = [s for s in range(len(self.names)) if self.kind[s] == self.kind[a] and not self.parents[s]]
        top = int(len(roots) > 1)  # the virtual root's depth
        up_a, up_b = self.up(a), self.up(b)
        found = [(top + 1 + self.depth(x, max), -up_a[x] - up_b[x]) for x in up_a.keys() & up_b.keys()]
        if not found:  # they meet in the virtual root, above the nearest real ones
            found = [(1, -sum(1 + min(up[x] for x in up if x in roots) for up in (up_a, up_b)))]
        depth, distance = max(found)
        return Fraction(2 * depth, 2 * depth - distance)

    def nltk(self, a, b):
        up_a, up_b = self.up(a), self.up(b)
        common = [(self.depth(x, min), self.names[x], x) for x in up_a.keys() & up_b.keys()]
        if {self.kind[a], self.kind[b]} != {"n"}:
            common.append((0, "*ROOT*", None))
        if not common:
            return None
        tied = sorted((name, x) for level, name, x in common if level == max(common)[0])
        winner = a if a in [x for _, x in tied] else tied[0][1]
        if winner is None:
            depth, distance = 1, 2 + max(up_a.values()) + max(up_b.values())
        else:
            depth = self.depth(winner, max) + 1
            above = self.up(winner)
            distance = sum(min(up[x] + above[x] for x in above) for up in (up_a, up_b))
        return Fraction(2 * depth, 2 * depth + distance)

    def matrix(self, policy, rows, cols):
        score = {"symmetric": self.symmetric, "nltk": self.nltk}[policy]
        values = [[score(a, b) for b in cols] for a in rows]
        return np.array([[np.nan if value is None else float(value) for value in row] for row in values])


@st.composite
def taxonomies(draw):
    """Draw up to 14 synsets, each with up to three parents among those of its kind before it."""
    kinds = draw(st.lists(st.sampled_from("nnnvvar"), min_size=1, max_size=14))
    words = draw(st.permutations("abcdefghijklmn"))
    parents = []
    for i, kind in enumerate(kinds):
        possible = [j for j in range(i) if kinds[j] == kind and kind in "nv"]
        chosen = st.lists(st.sampled_from(possible), max_size=3, unique=True) if possible else st.just([])
        parents.append(draw(chosen))
    return [f"{words[i]}.{kind}.01" for i, kind in enumerate(kinds)], parents

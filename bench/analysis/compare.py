"""Whether two answers are the same: every count equal, every mean and variance within 1e-9 of itself.

    compare.py OURS PEER
"""
import json
import sys

ours, peer = (json.load(open(path)) for path in sys.argv[1:3])
rows = {(row[0], row[1]): row[2:] for row in peer["rows"]}
numbers = 0
for epoch in ours["answer"]["epochs"]:
    for arm in epoch["arms"]:
        found = rows.pop((epoch["epoch"], arm["arm"]), None)
        moments = [metric["moments"] for metric in arm["metrics"]]
        if found is None:
            assert all(of["n"] == 0 for of in moments), "the peer has no such arm"
            continue
        for place, of in enumerate(moments):
            expected = (found[0], found[1 + 2 * place], found[2 + 2 * place])
            got = (of["n"], of["mean"], of["m2"] / (of["n"] - 1))
            for a, b in zip(got, expected):
                assert abs(a - b) <= 1e-9 * max(abs(a), abs(b), 1e-9), (epoch["epoch"], arm["arm"], place, got, expected)
                numbers += 1
assert not rows, f"only the peer has {rows.keys()}"
print(f"{numbers} numbers are the same")

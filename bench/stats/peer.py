"""The peer's side: gbstats' sequential two-sided test on the rows that bench-stats judges. Reads a JSON row a line, prints one
JSON line. The time is the processor's: what the machine did beside it does not count."""

import json
import sys
import time

from gbstats.frequentist.tests import SequentialConfig, SequentialTwoSidedTTest
from gbstats.models.statistics import SampleMeanStatistic

BATCH = 28_000
ROUNDS = int(sys.argv[1])


def arm(row):
    return SampleMeanStatistic(n=row["n"], sum=row["sum"], sum_squares=row["sum_squares"])


def judge(row):
    config = SequentialConfig(difference_type="absolute", alpha=0.05, sequential_tuning_parameter=5000)
    return SequentialTwoSidedTTest(arm(row["control"]), arm(row["treatment"]), config).compute_result()


def timed(rows):
    started = time.process_time()
    results = [judge(row) for row in rows]
    return time.process_time() - started, sum(result.ci[1] for result in results)


def batches():
    batch = []
    for line in sys.stdin:
        batch.append(json.loads(line))
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


seconds, count, checksum = 0.0, 0, 0.0
for batch in batches():
    timed(batch[:100])
    rounds = [timed(batch) for _ in range(ROUNDS)]
    seconds += min(took for took, _ in rounds)
    checksum += rounds[0][1]
    count += len(batch)
print(
    json.dumps(
        {
            "what": "gbstats",
            "runs": ROUNDS * count,
            "seconds": seconds,
            "each_us": 1e6 * seconds / count,
            "checksum": float(checksum),
        }
    )
)

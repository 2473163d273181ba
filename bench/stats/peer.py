"""The peer's side: gbstats' sequential two-sided test on the rows that bench-stats judges. Reads JSON rows, prints one JSON line."""

import json
import statistics
import sys
import time

from gbstats.frequentist.tests import SequentialConfig, SequentialTwoSidedTTest
from gbstats.models.statistics import SampleMeanStatistic

rows = json.load(sys.stdin)
rounds = int(sys.argv[1])


def arm(row):
    return SampleMeanStatistic(n=row["n"], sum=row["sum"], sum_squares=row["sum_squares"])


def judge(row):
    config = SequentialConfig(difference_type="absolute", alpha=0.05, sequential_tuning_parameter=5000)
    return SequentialTwoSidedTTest(arm(row["control"]), arm(row["treatment"]), config).compute_result()


judge(rows[0])
seconds = []
for _ in range(rounds):
    started = time.perf_counter()
    results = [judge(row) for row in rows]
    seconds.append(time.perf_counter() - started)
median = statistics.median(seconds)
print(
    json.dumps(
        {
            "what": "gbstats",
            "runs": rounds * len(rows),
            "seconds": median,
            "each_us": 1e6 * median / len(rows),
            "checksum": float(sum(result.ci[1] for result in results)),
        }
    )
)

"""The same look by DuckDB, on the same files: seconds, memory, and the answer to be compared.

    peer.py FOLDER AS_OF_DAY [MEMORY_LIMIT]
"""
import glob
import json
import os
import sys
import time

import duckdb

folder, day = sys.argv[1], int(sys.argv[2])
generations = sorted(glob.glob(f"{folder}/sealed/catalogue/*.json"))
files = [f"{folder}/sealed/{file['path']}" for file in json.load(open(generations[-1]))["files"]]
as_of = f"(TIMESTAMPTZ '2026-01-01 00:00:00+00' + INTERVAL {day} DAY)"
kinds = ["any", "count", "sum", "mean", "any", "count", "sum", "mean", "any", "sum"]


def value(place, kind):
    of = f"FILTER (WHERE name = 'event-{place}')"
    return {
        "any": f"CASE WHEN count(*) {of} > 0 THEN 1.0 ELSE 0.0 END",
        "count": f"CAST(count(*) {of} AS DOUBLE)",
        "sum": f"coalesce(sum(value) {of}, 0.0)",
        "mean": f"coalesce(avg(value) {of}, 0.0)",
    }[kind]


values = ", ".join(f"{value(place, kind)} AS m{place}" for place, kind in enumerate(kinds))
results = ", ".join(f"avg(coalesce(m{p}, 0)), var_samp(coalesce(m{p}, 0))" for p in range(len(kinds)))
names = ", ".join(f"'event-{place}'" for place in range(len(kinds)))
question = f"""
WITH about AS (
    SELECT unit, id, kind = 'exposure' AS met, "at" AS happened_at, received_at, variant, name, value
    FROM read_parquet($files)
    WHERE "at" <= {as_of} AND received_at <= {as_of} AND unit_type = 'user'
      AND (kind = 'exposure' AND flag = 'checkout' AND revision = 'PC-1/1' OR kind = 'outcome' AND name IN ({names}))
), once AS (
    SELECT unit, first(met) AS met, arg_min(happened_at, received_at) AS happened_at, min(received_at) AS received_at,
           first(variant) AS variant, first(name) AS name, first(value) AS value
    FROM about GROUP BY unit, id
), counted AS (
    SELECT * FROM once WHERE received_at - happened_at <= INTERVAL 7 DAY
), exposed AS (
    SELECT unit, min(happened_at) AS first_at, min(variant) AS arm FROM counted
    WHERE met AND variant IN ('control', 'treatment') GROUP BY unit HAVING min(variant) = max(variant)
), outcomes AS (
    SELECT unit, {values} FROM counted JOIN exposed USING (unit)
    WHERE NOT met AND happened_at >= first_at AND happened_at < first_at + INTERVAL 24 HOUR GROUP BY unit
)
SELECT CASE WHEN first_at < TIMESTAMPTZ '2026-01-06 00:00:00+00' THEN 0
            WHEN first_at < TIMESTAMPTZ '2026-01-21 00:00:00+00' THEN 1 ELSE 2 END AS epoch,
       arm, count(*), {results}
FROM exposed LEFT JOIN outcomes USING (unit)
WHERE first_at + INTERVAL 24 HOUR <= {as_of}
GROUP BY ALL ORDER BY ALL
"""

connection = duckdb.connect(config={"threads": int(os.environ.get("BENCH_THREADS", "2"))})
connection.execute("SET TimeZone = 'UTC'")
if len(sys.argv) > 3:
    connection.execute(f"SET memory_limit = '{sys.argv[3]}'")
    connection.execute(f"SET temp_directory = '{folder}/duckdb'")
started = time.perf_counter()
rows = connection.execute(question.replace("$files", repr(files))).fetchall()
seconds = time.perf_counter() - started
status = open("/proc/self/status").read()
peak = int(next(line for line in status.splitlines() if line.startswith("VmHWM:")).split()[1]) // 1024
print(json.dumps({"seconds": seconds, "memory_mib": peak, "rows": rows}))

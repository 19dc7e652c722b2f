#!/usr/bin/env python3
"""What do limits cost a claim? Runs the statement of sql/queries/jobs/claim.sql under pgbench in four ways, interleaved:

  without   the statement with everything about limits cut out of it: the baseline
  none      the statement as it is, while there are no limits
  elsewhere while another queue is limited
  here      while this queue is limited, with room left

Usage: DATABASE_URL=postgres://… benches/limits.py [--rounds 10] [--claims 500]
The database must have the schema (provost migrate) and be nobody else's: its jobs and limits are deleted.
Needs psql and pgbench on the PATH.
"""

import argparse
import os
import pathlib
import random
import re
import statistics
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
NOTHING = "SELECT 1"
ELSEWHERE = """INSERT INTO limits (name, scope, value, mode, amount, tokens, actor)
               VALUES ('bench', 'queue', 'other', 'concurrency', 5, 0, 'bench')"""
HERE = """INSERT INTO limits (name, scope, value, mode, amount, window_s, burst, tokens, actor)
          VALUES ('bench', 'queue', 'q', 'rate', 1000000, 1, 1000000, 1000000, 'bench')"""


def cut(text, start, end):
    a, b = text.index(start), text.index(end)
    return text[:a] + text[b:]


def statement(limits):
    """The claim of ten jobs as one line for pgbench."""
    text = (ROOT / "sql/queries/jobs/claim.sql").read_text()
    text = "\n".join(line for line in text.splitlines() if not line.strip().startswith("--"))
    if not limits:
        text = cut(text, "), limited AS MATERIALIZED", "), admitted AS MATERIALIZED")
        text = cut(text, "), charged AS", "), started AS")
        text = cut(text, "            UNION ALL\n            SELECT clock.at + (1 - b.tokens", "       ) AS later (at)) AS next_due")
        text = text.replace("WHERE id NOT IN (SELECT id FROM decision WHERE NOT admitted)", "")
        text = text.replace("coalesce((SELECT bool_or(contended) FROM decision), false)", "false")
    ids = "ARRAY[" + ",".join(["gen_random_uuid()"] * 10) + "]"
    values = ["'{q}'", "'{noop}'", "'bench'", ids, "3600", "600", "false", "42", "32", "NULL"]
    for number, value in reversed(list(enumerate(values, 1))):
        text = re.sub(rf"\${number}(?!\d)", lambda _: value, text)
    return " ".join(text.split()) + ";\n"


def psql(url, *statements):
    args = [word for statement in statements for word in ("-c", statement)]
    options = {**os.environ, "PGOPTIONS": "-c search_path=provost"}
    subprocess.run(["psql", "-q", "-o", os.devnull, url, *args], check=True, env=options, stderr=subprocess.DEVNULL)


def claims_per_second(url, script, claims):
    options = {**os.environ, "PGOPTIONS": "-c search_path=provost -c jit=off -c synchronous_commit=off -c plan_cache_mode=force_generic_plan"}
    command = ["pgbench", "-n", "-M", "prepared", "-f", script, "-t", str(claims), url]
    out = subprocess.run(command, check=True, env=options, capture_output=True, text=True).stdout
    return float(re.search(r"tps = ([0-9.]+)", out).group(1))


def main():
    asked = argparse.ArgumentParser(description="What do limits cost a claim?")
    asked.add_argument("--rounds", type=int, default=10)
    asked.add_argument("--claims", type=int, default=500)
    asked = asked.parse_args()
    url = os.environ["DATABASE_URL"]
    enough = asked.rounds * asked.claims * 40 + 10_000
    psql(url, "TRUNCATE jobs, lines, past_executions, events, job_tallies, work_tallies CASCADE", "DELETE FROM limits",
         f"SELECT count(enqueue('noop', queue => 'q')) FROM generate_series(1, {enough})", "VACUUM ANALYZE")
    ways = {"without": (False, NOTHING), "none": (True, NOTHING), "elsewhere": (True, ELSEWHERE), "here": (True, HERE)}
    rates = {way: [] for way in ways}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(asked.rounds):
            # In another order each time: the index gets longer dead ends while nobody vacuums.
            for way, (limits, setup) in random.sample(list(ways.items()), len(ways)):
                script = pathlib.Path(folder, way)
                script.write_text(statement(limits))
                psql(url, "DELETE FROM limits", setup)
                rates[way].append(claims_per_second(url, script, asked.claims))
    print(f"{'':10} {'claims/s':>9} {'x without':>10}")
    for way, found in rates.items():
        ratio = statistics.median(mine / base for mine, base in zip(found, rates["without"]))
        print(f"{way:10} {statistics.median(found):9.0f} {ratio:10.2f}")


if __name__ == "__main__":
    main()

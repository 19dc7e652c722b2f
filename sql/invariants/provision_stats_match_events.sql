-- No minute of the last week has provisioning statistics that differ from the events.
WITH since AS (
    SELECT date_trunc('minute', clock_timestamp()) - interval '7 days' AS at
)
SELECT minute::text AS id
FROM (SELECT minute, sum(n) AS n FROM provision_stats WHERE minute > (SELECT at FROM since) GROUP BY minute) AS counted
FULL JOIN (
    SELECT date_trunc('minute', occurred_at) AS minute, count(*) AS n FROM events
    WHERE entity = 'project' AND previous_state IN ('creating', 'provisioning') AND new_state IN ('ready', 'failed')
      AND date_trunc('minute', occurred_at) > (SELECT at FROM since)
    GROUP BY 1
) AS recorded USING (minute)
WHERE counted.n IS DISTINCT FROM recorded.n

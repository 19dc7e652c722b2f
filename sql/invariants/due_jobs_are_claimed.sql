-- No job has been due for 30 seconds without a limit or a pause while workers with free slots for it claimed nothing.
SELECT j.id::text AS id
FROM (SELECT clock_timestamp() AS at, clock_timestamp() - interval '30 seconds' AS ago) AS clock
JOIN jobs j ON j.state IN ('queued', 'scheduled', 'retrying') AND j.run_at < ago AND j.updated_at < ago
JOIN queues q ON q.name = j.queue AND q.state <> 'paused' AND q.changed_at < ago
WHERE EXISTS (
    SELECT FROM workers w
    WHERE w.state = 'online' AND NOT w.stopping AND w.seen_at > at - interval '15 seconds' AND w.started_at < ago AND w.busy < w.slots
      AND ('*' = ANY (w.queues) OR j.queue = ANY (w.queues)) AND j.kind = ANY (w.kinds)
      -- Execution ids are in order of time as far as the clocks of the workers agree; one hour is a generous margin.
      AND NOT EXISTS (SELECT FROM executions x
                      WHERE x.id > min_uuid_v7(at - interval '1 hour') AND x.claimed_at > ago AND x.worker_id = w.id))
  AND NOT EXISTS (
    SELECT FROM limits l
    WHERE l.enabled AND limit_applies(l.scope, l.value, j.queue, j.kind, j.tenant)
      AND (l.updated_at > ago OR CASE l.mode WHEN 'rate' THEN available_tokens(l.tokens, l.refilled_at, l.amount, l.window_s, l.burst, ago) < 1
           ELSE l.amount <= (SELECT count(*) FROM jobs a WHERE a.state = 'active' AND limit_applies(l.scope, l.value, a.queue, a.kind, a.tenant)) END))

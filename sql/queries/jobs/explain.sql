-- Explain why a job waits: its queue, the jobs ahead of it, the workers that could run it, and the tightest limit.
-- $1 job  $2 max age of a worker's heartbeat (s)
SELECT clock_timestamp() AS at, q.state AS queue_state, q.reason AS queue_reason, q.actor AS queue_actor,
       (SELECT count(*) FROM (
            SELECT FROM jobs o
            WHERE o.queue = j.queue AND o.state IN ('queued', 'scheduled', 'retrying') AND o.run_at <= clock_timestamp()
              AND (-o.priority, o.run_at, o.id) < (-j.priority, j.run_at, j.id)
            LIMIT 10001) AS before) AS ahead,
       (SELECT count(*) FROM workers w
         WHERE w.seen_at > clock_timestamp() - $2::float8 * interval '1 second' AND w.state = 'online' AND NOT w.stopping
           AND ('*' = ANY (w.queues) OR j.queue = ANY (w.queues)) AND j.kind = ANY (w.kinds))
       -- An agent that does not register is known from what it runs.
       + (SELECT count(DISTINCT a.worker_id) FROM jobs a
           WHERE a.state = 'active' AND a.queue = j.queue AND a.kind = j.kind AND a.worker_id IS NOT NULL
             AND NOT EXISTS (SELECT FROM workers w WHERE w.id = a.worker_id)) AS workers,
       (SELECT coalesce(sum(w.slots - w.busy), 0)::bigint FROM workers w
         WHERE w.seen_at > clock_timestamp() - $2 * interval '1 second' AND w.state = 'online' AND NOT w.stopping
           AND ('*' = ANY (w.queues) OR j.queue = ANY (w.queues)) AND j.kind = ANY (w.kinds)) AS free_slots,
       (SELECT count(*) FROM workers w
         WHERE w.seen_at > clock_timestamp() - $2 * interval '1 second' AND (w.state <> 'online' OR w.stopping)
           AND ('*' = ANY (w.queues) OR j.queue = ANY (w.queues)) AND j.kind = ANY (w.kinds)) AS held_workers,
       EXISTS (SELECT FROM processes p WHERE p.seen_at > clock_timestamp() - interval '35 s' AND 'scheduler' = ANY (p.roles)) AS has_scheduler,
       tight.name AS limit_name, tight.mode AS limit_mode, tight.amount AS limit_amount, tight.window_s AS limit_window_s, tight.free_in AS limit_free_in
FROM jobs j
LEFT JOIN queues q ON q.name = j.queue
LEFT JOIN LATERAL (
    SELECT l.name, l.mode, l.amount, l.window_s,
           CASE l.mode WHEN 'rate' THEN (1 - available_tokens(l.tokens, l.refilled_at, l.amount, l.window_s, l.burst, clock_timestamp())) * l.window_s / nullif(l.amount, 0) END AS free_in
    FROM limits l
    WHERE l.enabled AND limit_applies(l.scope, l.value, j.queue, j.kind, j.tenant)
      AND CASE l.mode WHEN 'rate' THEN available_tokens(l.tokens, l.refilled_at, l.amount, l.window_s, l.burst, clock_timestamp()) < 1
          ELSE l.amount <= (SELECT count(*) FROM jobs a WHERE a.state = 'active' AND a.worker_id IS NOT NULL AND limit_applies(l.scope, l.value, a.queue, a.kind, a.tenant)) END
    ORDER BY free_in DESC NULLS FIRST, l.name
    LIMIT 1
) AS tight ON true
WHERE j.id = $1

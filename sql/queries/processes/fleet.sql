-- Tell what all processes together lack: a scheduler, and workers for queues in which something has been due for a while.
-- $1 max age of a heartbeat (s)  $2 max age of a worker's heartbeat (s)  $3 how long something must be due (s)
SELECT (SELECT count(*) FROM processes WHERE seen_at > clock_timestamp() - $1::float8 * interval '1 second' AND 'scheduler' = ANY (roles)) AS schedulers,
       ARRAY(SELECT DISTINCT l.queue
             FROM lanes l JOIN queues q ON q.name = l.queue
             WHERE q.state <> 'paused'
               AND EXISTS (SELECT FROM jobs j
                           WHERE j.queue = l.queue AND j.priority = l.priority AND j.kind = l.kind AND j.tenant = l.tenant
                             AND j.state IN ('queued', 'scheduled', 'retrying')
                             AND j.run_at BETWEEN l.since AND clock_timestamp() - $3::float8 * interval '1 second')
               AND NOT EXISTS (SELECT FROM workers w
                               WHERE w.seen_at > clock_timestamp() - $2::float8 * interval '1 second' AND w.state = 'online' AND NOT w.stopping
                                 AND ('*' = ANY (w.queues) OR l.queue = ANY (w.queues)) AND l.kind = ANY (w.kinds))
               AND NOT EXISTS (SELECT FROM jobs a WHERE a.state = 'active' AND a.worker_id IS NOT NULL AND a.queue = l.queue AND a.kind = l.kind)
             ORDER BY l.queue LIMIT 20) AS unserved_queues

-- Record the heartbeat of a worker and return its requested state. The first heartbeat registers it.
-- $1 id  $2 host  $3 pid  $4 version  $5 stopping?  $6 queues  $7 kinds  $8 slots  $9 busy  $10 incarnation
WITH inserted AS (
    INSERT INTO workers (id, host, pid, version, state, stopping, queues, kinds, slots, busy, incarnation, started_at, seen_at)
    SELECT $1, $2, $3, $4, 'online', $5, $6, $7, $8, $9, $10, clock_timestamp(), clock_timestamp()
    WHERE NOT EXISTS (SELECT FROM workers WHERE id = $1)
    ON CONFLICT DO NOTHING
    RETURNING id, state
), seen AS (
    UPDATE workers SET stopping = $5::boolean, busy = $9::integer, seen_at = clock_timestamp() WHERE id = $1 RETURNING state
), recorded AS (
    INSERT INTO events (entity, entity_name, previous_state, new_state, actor)
    SELECT 'worker', id, 'none', state, id FROM inserted
)
SELECT state FROM seen UNION ALL SELECT state FROM inserted

-- Counts new jobs, opens their lanes and creates their queues. Usually the lane and the queue exist, which a single check
-- confirms.
CREATE OR REPLACE FUNCTION track_inserted_jobs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    WITH groups AS MATERIALIZED (
        SELECT queue, kind, state, count(*) AS n, min(created_at) AS at FROM new_rows GROUP BY queue, kind, state
    ), counted AS (
        INSERT INTO provost.job_counts SELECT queue, kind, state, n FROM groups
    )
    INSERT INTO provost.work_stats
    SELECT date_trunc('minute', min(at)), queue, kind, 'enqueued', 0, sum(n), 0 FROM groups GROUP BY queue, kind;

    IF NOT EXISTS (
        SELECT FROM (SELECT queue, priority, kind, tenant, min(run_at) FILTER (WHERE state <> 'blocked') AS since
                     FROM new_rows GROUP BY queue, priority, kind, tenant) AS f
        WHERE NOT EXISTS (SELECT FROM provost.queues q WHERE q.name = f.queue)
           OR f.since IS NOT NULL AND NOT EXISTS (
               SELECT FROM provost.lanes l
               WHERE (l.queue, l.priority, l.kind, l.tenant) = (f.queue, f.priority, f.kind, f.tenant) AND l.since <= f.since AND l.is_open)
    ) AND current_setting('transaction_isolation') = 'read committed' THEN
        RETURN NULL;
    END IF;

    WITH opened_lanes AS (
        INSERT INTO provost.lanes (queue, priority, kind, tenant, since)
        SELECT queue, priority, kind, tenant, since
        FROM (SELECT queue, priority, kind, tenant, min(run_at) AS since FROM new_rows
              WHERE state IN ('queued', 'scheduled', 'retrying') GROUP BY queue, priority, kind, tenant) AS f
        WHERE NOT provost.has_open_lane(queue, priority, kind, tenant, since)
    ), inserted AS (
        INSERT INTO provost.queues (name, actor)
        SELECT DISTINCT queue, 'provost' FROM new_rows
        WHERE NOT EXISTS (SELECT FROM provost.queues q WHERE q.name = new_rows.queue)
        ORDER BY queue
        ON CONFLICT DO NOTHING
        RETURNING name, state, actor
    )
    INSERT INTO provost.events (entity, entity_name, previous_state, new_state, actor, reason)
    SELECT 'queue', name, 'none', state, actor, 'first use' FROM inserted;
    RETURN NULL;
END $$;

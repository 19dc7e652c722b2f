-- A queue and a line are there already, as a rule: one look tells, and nothing else is set up.
CREATE OR REPLACE FUNCTION tally_new_jobs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    WITH arrived AS MATERIALIZED (
        SELECT queue, kind, state, count(*) AS n, min(created_at) AS at FROM fresh GROUP BY queue, kind, state
    ), counted AS (
        INSERT INTO provost.job_tallies SELECT queue, kind, state, n FROM arrived
    )
    INSERT INTO provost.work_tallies
    SELECT date_trunc('minute', min(at)), queue, kind, 'enqueued', 0, sum(n), 0 FROM arrived GROUP BY queue, kind;

    IF NOT EXISTS (
        SELECT FROM (SELECT queue, priority, kind, tenant, min(run_at) FILTER (WHERE state <> 'blocked') AS since
                     FROM fresh GROUP BY queue, priority, kind, tenant) AS f
        WHERE NOT EXISTS (SELECT FROM provost.queues q WHERE q.name = f.queue)
           OR f.since IS NOT NULL AND NOT EXISTS (
               SELECT FROM provost.lines l
               WHERE (l.queue, l.priority, l.kind, l.tenant) = (f.queue, f.priority, f.kind, f.tenant) AND l.since <= f.since AND l.is_open)
    ) AND current_setting('transaction_isolation') = 'read committed' THEN
        RETURN NULL;
    END IF;

    WITH opened AS (
        INSERT INTO provost.lines (queue, priority, kind, tenant, since)
        SELECT queue, priority, kind, tenant, since
        FROM (SELECT queue, priority, kind, tenant, min(run_at) AS since FROM fresh
              WHERE state IN ('queued', 'scheduled', 'retrying') GROUP BY queue, priority, kind, tenant) AS f
        WHERE NOT provost.has_line(queue, priority, kind, tenant, since)
    ), born AS (
        -- A queue exists from its first use.
        INSERT INTO provost.queues (name, actor)
        SELECT DISTINCT queue, 'provost' FROM fresh
        WHERE NOT EXISTS (SELECT FROM provost.queues q WHERE q.name = fresh.queue)
        ORDER BY queue
        ON CONFLICT DO NOTHING
        RETURNING name, state, actor
    )
    INSERT INTO provost.events (entity, entity_name, previous_state, new_state, actor, reason)
    SELECT 'queue', name, 'none', state, actor, 'first use' FROM born;
    RETURN NULL;
END $$;

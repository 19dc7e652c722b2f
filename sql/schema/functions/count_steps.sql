-- So many steps have come to (or, less than nothing, left) these states: keeps the counts of their workflows, and the states that follow.
CREATE OR REPLACE FUNCTION count_steps(whose uuid[], states text[], ds integer[]) RETURNS void LANGUAGE plpgsql SET search_path = provost, pg_temp AS $$
DECLARE
    sums  record;
    moved record;
BEGIN
    FOR sums IN
        SELECT m.id, coalesce(sum(m.d) FILTER (WHERE m.state = 'completed'), 0) AS completed, coalesce(sum(m.d) FILTER (WHERE m.state = 'failed'), 0) AS failed,
               coalesce(sum(m.d) FILTER (WHERE m.state = 'canceled'), 0) AS canceled, coalesce(sum(m.d) FILTER (WHERE m.state = 'blocked'), 0) AS blocked
        FROM unnest(whose, states, ds) AS m (id, state, d)
        WHERE m.id IS NOT NULL
        GROUP BY m.id
        ORDER BY m.id
    LOOP
        CONTINUE WHEN sums.completed = 0 AND sums.failed = 0 AND sums.canceled = 0 AND sums.blocked = 0;
        SELECT w.state INTO moved FROM workflows w WHERE w.id = sums.id FOR UPDATE;
        WITH counted AS (
            UPDATE workflows w
            SET completed = w.completed + sums.completed, failed = w.failed + sums.failed,
                canceled = w.canceled + sums.canceled, blocked = w.blocked + sums.blocked, state = now.state, updated_at = at,
                finished_at = CASE WHEN now.state = 'running' THEN NULL WHEN now.state = w.state THEN w.finished_at ELSE at END
            FROM workflows f, clock_timestamp() AS at,
                 LATERAL workflow_state(f.steps, (f.completed + sums.completed)::integer, (f.failed + sums.failed)::integer,
                                        (f.canceled + sums.canceled)::integer, (f.blocked + sums.blocked)::integer) AS now (state)
            WHERE w.id = sums.id AND f.id = sums.id
            RETURNING w.id, w.state, w.updated_at
        )
        INSERT INTO events (entity, entity_id, previous_state, new_state, reason, actor, occurred_at)
        SELECT 'workflow', id, moved.state, state, CASE state WHEN 'running' THEN 'a step is taken up again' WHEN 'completed' THEN 'every step is completed'
                   ELSE format('a step %s, and no other can go on', CASE state WHEN 'failed' THEN 'failed' ELSE 'was canceled' END) END, 'provost', updated_at
        FROM counted WHERE state <> moved.state;
    END LOOP;
END $$;

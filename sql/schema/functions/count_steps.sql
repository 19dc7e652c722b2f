-- Applies changes of step counts to workflows, and derives their states. A negative change means that steps left a state. Locks
-- the workflows in order of their ids.
CREATE OR REPLACE FUNCTION count_steps(workflow_ids uuid[], states text[], changes integer[]) RETURNS void LANGUAGE plpgsql SET search_path = provost, pg_temp AS $$
DECLARE
    sums   record;
    before record;
BEGIN
    FOR sums IN
        SELECT m.id, coalesce(sum(m.change) FILTER (WHERE m.state = 'completed'), 0) AS completed, coalesce(sum(m.change) FILTER (WHERE m.state = 'failed'), 0) AS failed,
               coalesce(sum(m.change) FILTER (WHERE m.state = 'canceled'), 0) AS canceled, coalesce(sum(m.change) FILTER (WHERE m.state = 'blocked'), 0) AS blocked
        FROM unnest(workflow_ids, states, changes) AS m (id, state, change)
        WHERE m.id IS NOT NULL
        GROUP BY m.id
        ORDER BY m.id
    LOOP
        CONTINUE WHEN sums.completed = 0 AND sums.failed = 0 AND sums.canceled = 0 AND sums.blocked = 0;
        SELECT w.state INTO before FROM workflows w WHERE w.id = sums.id FOR UPDATE;
        WITH updated AS (
            UPDATE workflows w
            SET completed = w.completed + sums.completed, failed = w.failed + sums.failed,
                canceled = w.canceled + sums.canceled, blocked = w.blocked + sums.blocked, state = result.state, updated_at = at,
                finished_at = CASE WHEN result.state = 'running' THEN NULL WHEN result.state = w.state THEN w.finished_at ELSE at END
            FROM workflows f, clock_timestamp() AS at,
                 LATERAL workflow_state(f.steps, (f.completed + sums.completed)::integer, (f.failed + sums.failed)::integer,
                                        (f.canceled + sums.canceled)::integer, (f.blocked + sums.blocked)::integer) AS result (state)
            WHERE w.id = sums.id AND f.id = sums.id
            RETURNING w.id, w.state, w.updated_at
        )
        INSERT INTO events (entity, entity_id, previous_state, new_state, reason, actor, occurred_at)
        SELECT 'workflow', id, before.state, state, CASE state WHEN 'running' THEN 'a step is pending again' WHEN 'completed' THEN 'all steps are completed'
                   ELSE format('a step %s and no other step can continue', CASE state WHEN 'failed' THEN 'failed' ELSE 'was canceled' END) END, 'provost', updated_at
        FROM updated WHERE state <> before.state;
    END LOOP;
END $$;

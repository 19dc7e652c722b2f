-- Who waited for these, that they are taken up again? Whoever has not gone on yet waits anew, also those that were canceled
-- because of it alone; then the same for the dependents of those. Answers as tell_dependents does.
CREATE OR REPLACE FUNCTION recall_dependents(risen uuid[]) RETURNS TABLE (workflow_id uuid, state text, d integer)
LANGUAGE plpgsql SET search_path = provost, pg_temp SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
DECLARE
    levels integer := 0;
    moved  record;
BEGIN
    WHILE cardinality(risen) > 0 LOOP
        IF levels = 300 THEN
            INSERT INTO tellings (job_id) SELECT unnest(risen);
            RETURN;
        END IF;
        levels := levels + 1;
        PERFORM FROM jobs j
        WHERE j.waits_for > 0 AND j.id IN (SELECT e.job_id FROM job_dependencies e WHERE e.depends_on = ANY (risen) AND e.outcome IS NOT NULL)
        ORDER BY j.id FOR UPDATE;

        WITH opened AS (
            UPDATE job_dependencies e SET outcome = NULL
            FROM jobs j
            WHERE e.depends_on = ANY (risen) AND e.outcome IS NOT NULL AND j.id = e.job_id AND j.waits_for > 0
            RETURNING e.job_id, e.depends_on, e.policy
        ), verdict AS MATERIALIZED (
            -- An edge that allowed the failure had let go, and holds again.
            SELECT o.job_id, (count(*) FILTER (WHERE o.policy = 'allow_failed'))::integer AS held,
                   (SELECT e.depends_on FROM job_dependencies e
                    WHERE e.job_id = o.job_id AND e.depends_on <> ALL (risen) AND dooms(e.policy, e.outcome)
                    ORDER BY e.depends_on LIMIT 1) AS doom
            FROM opened o GROUP BY o.job_id
        ), moved AS (
            UPDATE jobs j
            SET waits_for = was.waits_for + verdict.held,
                state = CASE WHEN rises THEN 'blocked' ELSE was.state END,
                doomed_by = CASE WHEN was.doomed_by IS NOT NULL THEN verdict.doom END,
                error = CASE WHEN rises THEN NULL WHEN was.doomed_by IS NOT NULL THEN why_doomed(verdict.doom) ELSE was.error END,
                finished_at = CASE WHEN rises THEN NULL ELSE was.finished_at END,
                updated_at = at
            FROM verdict JOIN jobs was ON was.id = verdict.job_id, clock_timestamp() AS at,
                 LATERAL (SELECT was.doomed_by IS NOT NULL AND verdict.doom IS NULL AS rises) AS judged
            WHERE j.id = verdict.job_id
            RETURNING j.id, was.state AS previous_state, j.state, j.workflow_id, j.updated_at
        ), told_of AS (
            INSERT INTO events (entity, entity_id, previous_state, new_state, reason, actor, job_id, occurred_at)
            SELECT 'job', id, previous_state, state, 'what it depends on is tried again', 'provost', id, updated_at
            FROM moved WHERE state <> previous_state ORDER BY id
        )
        SELECT array_agg(m.id) AS risen, array_agg(m.workflow_id) FILTER (WHERE m.workflow_id IS NOT NULL) AS workflows
        INTO moved FROM moved m WHERE m.state <> m.previous_state;

        RETURN QUERY SELECT w, 'canceled', -1 FROM unnest(moved.workflows) AS w UNION ALL SELECT w, 'blocked', 1 FROM unnest(moved.workflows) AS w;
        risen := moved.risen;
    END LOOP;
END $$;

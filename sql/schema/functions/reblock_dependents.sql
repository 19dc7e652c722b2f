-- Reverts the release of dependents whose dependencies are active again. A dependent that has not started is blocked again, and
-- so is one that was canceled only because of these dependencies; then the same for its own dependents.
-- Output and locks: as release_dependents().
CREATE OR REPLACE FUNCTION reblock_dependents(reopened uuid[]) RETURNS TABLE (workflow_id uuid, state text, change integer)
LANGUAGE plpgsql SET search_path = provost, pg_temp SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
DECLARE
    levels integer := 0;
    result record;
BEGIN
    WHILE cardinality(reopened) > 0 LOOP
        IF levels = 300 THEN
            INSERT INTO pending_releases (job_id) SELECT unnest(reopened);
            RETURN;
        END IF;
        levels := levels + 1;
        PERFORM FROM jobs j
        WHERE j.pending_dependencies > 0 AND j.id IN (SELECT e.job_id FROM job_dependencies e WHERE e.depends_on = ANY (reopened) AND e.outcome IS NOT NULL)
        ORDER BY j.id FOR UPDATE;

        WITH cleared AS (
            UPDATE job_dependencies e SET outcome = NULL
            FROM jobs j
            WHERE e.depends_on = ANY (reopened) AND e.outcome IS NOT NULL AND j.id = e.job_id AND j.pending_dependencies > 0
            RETURNING e.job_id, e.depends_on, e.policy
        ), decision AS MATERIALIZED (
            -- An edge that allowed the failure was satisfied, and is pending again.
            SELECT o.job_id, (count(*) FILTER (WHERE o.policy = 'allow_failed'))::integer AS pending_again,
                   (SELECT e.depends_on FROM job_dependencies e
                    WHERE e.job_id = o.job_id AND e.depends_on <> ALL (reopened) AND cancels_dependent(e.policy, e.outcome)
                    ORDER BY e.depends_on LIMIT 1) AS cancel_cause
            FROM cleared o GROUP BY o.job_id
        ), changed AS (
            UPDATE jobs j
            SET pending_dependencies = before.pending_dependencies + decision.pending_again,
                state = CASE WHEN is_reblocked THEN 'blocked' ELSE before.state END,
                canceled_by = CASE WHEN before.canceled_by IS NOT NULL THEN decision.cancel_cause END,
                error = CASE WHEN is_reblocked THEN NULL WHEN before.canceled_by IS NOT NULL THEN cancellation_reason(decision.cancel_cause) ELSE before.error END,
                finished_at = CASE WHEN is_reblocked THEN NULL ELSE before.finished_at END,
                updated_at = at
            FROM decision JOIN jobs before ON before.id = decision.job_id, clock_timestamp() AS at,
                 LATERAL (SELECT before.canceled_by IS NOT NULL AND decision.cancel_cause IS NULL AS is_reblocked) AS d
            WHERE j.id = decision.job_id
            RETURNING j.id, before.state AS previous_state, j.state, j.workflow_id, j.updated_at
        ), recorded_events AS (
            INSERT INTO events (entity, entity_id, previous_state, new_state, reason, actor, job_id, occurred_at)
            SELECT 'job', id, previous_state, state, 'a dependency is retried', 'provost', id, updated_at
            FROM changed WHERE state <> previous_state ORDER BY id
        )
        SELECT array_agg(m.id) AS reopened, array_agg(m.workflow_id) FILTER (WHERE m.workflow_id IS NOT NULL) AS workflows
        INTO result FROM changed m WHERE m.state <> m.previous_state;

        RETURN QUERY SELECT w, 'canceled', -1 FROM unnest(result.workflows) AS w UNION ALL SELECT w, 'blocked', 1 FROM unnest(result.workflows) AS w;
        reopened := result.reopened;
    END LOOP;
END $$;

-- Applies the outcomes of ended jobs to their dependents.
--
-- Input: ended jobs and their states; the caller has locked them. For each dependent, records the outcome on the edge, then
-- unblocks the job if all its dependencies are satisfied, or cancels it. Canceled dependents are handled in the same way, level by
-- level. Beyond 300 levels or 10,000 dependents the rest is stored in pending_releases.
-- Output: changes of the step counts of workflows, for count_steps().
-- Locks: dependents in order of their ids, level by level. Parents that end at the same time are thereby serialized.
-- Plan: every row by primary key, whatever the statistics say; therefore the settings below.
CREATE OR REPLACE FUNCTION release_dependents(ended uuid[], outcomes text[]) RETURNS TABLE (workflow_id uuid, state text, change integer)
LANGUAGE plpgsql SET search_path = provost, pg_temp SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
DECLARE
    max_rows      CONSTANT integer := 10000;
    levels        integer := 0;
    n             integer := 0;
    dependent_ids uuid[];
    parent_ids    uuid[];
    new_outcomes  text[];
    result        record;
BEGIN
    WHILE cardinality(ended) > 0 LOOP
        IF levels = 300 OR n >= max_rows THEN
            INSERT INTO pending_releases (job_id) SELECT unnest(ended);
            RETURN;
        END IF;
        -- Edges that do not have this outcome yet. The ended jobs are locked, so no other transaction records it meanwhile.
        SELECT coalesce(array_agg(job_id), '{}'), array_agg(depends_on), array_agg(outcome) INTO dependent_ids, parent_ids, new_outcomes
        FROM (SELECT e.job_id, e.depends_on, n.outcome
              FROM unnest(ended, outcomes) AS n (id, outcome),
                   -- OFFSET 0 keeps the order of the join: the edges of each ended job by their index.
                   LATERAL (SELECT e.job_id, e.depends_on FROM job_dependencies e
                            WHERE e.depends_on = n.id AND (e.outcome IS NULL OR e.outcome = 'failed' AND e.policy = 'block' AND n.outcome = 'canceled')
                            OFFSET 0) AS e
              LIMIT max_rows) AS edges;
        PERFORM FROM jobs j WHERE j.id = ANY (dependent_ids) ORDER BY j.id FOR UPDATE;

        WITH recorded AS (
            UPDATE job_dependencies e SET outcome = n.outcome
            FROM unnest(dependent_ids, parent_ids, new_outcomes) AS n (job_id, depends_on, outcome)
            WHERE e.job_id = n.job_id AND e.depends_on = n.depends_on
            RETURNING e.job_id, e.depends_on, e.policy, e.outcome
        ), decision AS MATERIALIZED (
            SELECT job_id, (count(*) FILTER (WHERE satisfies(policy, outcome)))::integer AS satisfied,
                   (array_agg(depends_on ORDER BY depends_on) FILTER (WHERE cancels_dependent(policy, outcome)))[1] AS cancel_cause
            FROM recorded GROUP BY job_id
        ), changed AS (
            UPDATE jobs j
            SET pending_dependencies = j.pending_dependencies - decision.satisfied,
                state = CASE WHEN before.state <> 'blocked' THEN before.state WHEN decision.cancel_cause IS NOT NULL THEN 'canceled'
                             WHEN before.pending_dependencies > decision.satisfied THEN 'blocked' WHEN before.run_at > at THEN 'scheduled' ELSE 'queued' END,
                -- A blocked job becomes due when its last dependency is satisfied, or later.
                run_at = CASE WHEN before.state = 'blocked' AND decision.cancel_cause IS NULL AND before.pending_dependencies = decision.satisfied THEN greatest(before.run_at, at) ELSE before.run_at END,
                canceled_by = CASE WHEN before.state = 'blocked' THEN decision.cancel_cause ELSE before.canceled_by END,
                error = CASE WHEN before.state = 'blocked' AND decision.cancel_cause IS NOT NULL THEN cancellation_reason(decision.cancel_cause) ELSE before.error END,
                finished_at = CASE WHEN before.state = 'blocked' AND decision.cancel_cause IS NOT NULL THEN at ELSE before.finished_at END,
                updated_at = at
            FROM decision JOIN jobs before ON before.id = decision.job_id, clock_timestamp() AS at
            WHERE j.id = decision.job_id
            RETURNING j.id, before.state AS previous_state, j.state, j.error, j.workflow_id, j.updated_at
        ), recorded_events AS (
            INSERT INTO events (entity, entity_id, previous_state, new_state, reason, actor, job_id, occurred_at)
            SELECT 'job', id, previous_state, state, CASE state WHEN 'canceled' THEN error ELSE 'its dependencies are satisfied' END, 'provost', id, updated_at
            FROM changed WHERE state <> previous_state ORDER BY id
        )
        SELECT array_agg(m.id) FILTER (WHERE m.state = 'canceled') AS canceled,
               array_agg(m.workflow_id) FILTER (WHERE m.workflow_id IS NOT NULL) AS workflows,
               array_agg(m.state) FILTER (WHERE m.workflow_id IS NOT NULL) AS states
        INTO result FROM changed m WHERE m.state <> m.previous_state;

        RETURN QUERY SELECT w, 'blocked', -1 FROM unnest(result.workflows) AS w
                     UNION ALL SELECT w, s, 1 FROM unnest(result.workflows, result.states) AS m (w, s);
        levels := levels + 1;
        n := n + cardinality(dependent_ids);
        IF cardinality(dependent_ids) < max_rows THEN
            ended := result.canceled;
            outcomes := ARRAY(SELECT 'canceled' FROM unnest(ended));
        ELSE
            -- More dependents are left.
            outcomes := outcomes || ARRAY(SELECT 'canceled' FROM unnest(result.canceled));
            ended := ended || result.canceled;
        END IF;
    END LOOP;
END $$;

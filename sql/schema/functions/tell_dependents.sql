-- Who waits for these, that they have ended so? Lets go whom that lets go, and cancels whom it dooms; then the same for the dependents
-- of those, as far as one statement should go. Answers with what that takes from and adds to the counts of workflows. Each row is
-- looked up by its id, whatever statistics say.
CREATE OR REPLACE FUNCTION tell_dependents(ended uuid[], outcomes text[]) RETURNS TABLE (workflow_id uuid, state text, d integer)
LANGUAGE plpgsql SET search_path = provost, pg_temp SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
DECLARE
    most   CONSTANT integer := 10000;
    levels integer := 0;
    n      integer := 0;
    kids   uuid[];
    moved  record;
BEGIN
    WHILE cardinality(ended) > 0 LOOP
        IF levels = 300 OR n >= most THEN
            INSERT INTO tellings (job_id) SELECT unnest(ended);
            RETURN;
        END IF;
        -- Only those that this is news to: nobody else may tell them meanwhile, because what ended is locked.
        kids := ARRAY(SELECT e.job_id FROM job_dependencies e
                      WHERE e.depends_on = ANY (ended) AND (e.outcome IS NULL OR e.outcome = 'failed' AND e.policy = 'block')
                      LIMIT most);
        PERFORM FROM jobs j WHERE j.id = ANY (kids) ORDER BY j.id FOR UPDATE;

        WITH told AS (
            UPDATE job_dependencies e SET outcome = n.outcome
            FROM unnest(ended, outcomes) AS n (id, outcome)
            WHERE e.depends_on = n.id AND (e.outcome IS NULL OR e.outcome = 'failed' AND e.policy = 'block' AND n.outcome = 'canceled')
              AND e.job_id IN (SELECT unnest(kids))
            RETURNING e.job_id, e.depends_on, e.policy, e.outcome
        ), verdict AS MATERIALIZED (
            SELECT job_id, (count(*) FILTER (WHERE is_met(policy, outcome)))::integer AS met,
                   (array_agg(depends_on ORDER BY depends_on) FILTER (WHERE dooms(policy, outcome)))[1] AS doom
            FROM told GROUP BY job_id
        ), moved AS (
            UPDATE jobs j
            SET waits_for = j.waits_for - verdict.met,
                state = CASE WHEN was.state <> 'blocked' THEN was.state WHEN verdict.doom IS NOT NULL THEN 'canceled'
                             WHEN was.waits_for > verdict.met THEN 'blocked' WHEN was.run_at > at THEN 'scheduled' ELSE 'queued' END,
                -- What waited for others was not due before they let it go.
                run_at = CASE WHEN was.state = 'blocked' AND verdict.doom IS NULL AND was.waits_for = verdict.met THEN greatest(was.run_at, at) ELSE was.run_at END,
                doomed_by = CASE WHEN was.state = 'blocked' THEN verdict.doom ELSE was.doomed_by END,
                error = CASE WHEN was.state = 'blocked' AND verdict.doom IS NOT NULL THEN why_doomed(verdict.doom) ELSE was.error END,
                finished_at = CASE WHEN was.state = 'blocked' AND verdict.doom IS NOT NULL THEN at ELSE was.finished_at END,
                updated_at = at
            FROM verdict JOIN jobs was ON was.id = verdict.job_id, clock_timestamp() AS at
            WHERE j.id = verdict.job_id
            RETURNING j.id, was.state AS previous_state, j.state, j.error, j.workflow_id, j.updated_at
        ), told_of AS (
            INSERT INTO events (entity, entity_id, previous_state, new_state, reason, actor, job_id, occurred_at)
            SELECT 'job', id, previous_state, state, CASE state WHEN 'canceled' THEN error ELSE 'what it depends on has ended' END, 'provost', id, updated_at
            FROM moved WHERE state <> previous_state ORDER BY id
        )
        SELECT array_agg(m.id) FILTER (WHERE m.state = 'canceled') AS doomed,
               array_agg(m.workflow_id) FILTER (WHERE m.workflow_id IS NOT NULL) AS workflows,
               array_agg(m.state) FILTER (WHERE m.workflow_id IS NOT NULL) AS states
        INTO moved FROM moved m WHERE m.state <> m.previous_state;

        RETURN QUERY SELECT w, 'blocked', -1 FROM unnest(moved.workflows) AS w
                     UNION ALL SELECT w, s, 1 FROM unnest(moved.workflows, moved.states) AS m (w, s);
        levels := levels + 1;
        n := n + cardinality(kids);
        IF cardinality(kids) < most THEN
            ended := moved.doomed;
            outcomes := ARRAY(SELECT 'canceled' FROM unnest(ended));
        ELSE
            -- There are more of them.
            outcomes := outcomes || ARRAY(SELECT 'canceled' FROM unnest(moved.doomed));
            ended := ended || moved.doomed;
        END IF;
    END LOOP;
END $$;

-- Continues releases that were too large for one statement, from the current state of their jobs. A deleted job needs nothing:
-- its deletion released its dependents.
CREATE OR REPLACE FUNCTION continue_releases() RETURNS trigger LANGUAGE plpgsql SET search_path = provost, pg_temp AS $$
BEGIN
    PERFORM FROM jobs j WHERE j.id = ANY (ARRAY(SELECT job_id FROM old_rows)) ORDER BY j.id FOR UPDATE;
    PERFORM count_steps(array_agg(m.workflow_id), array_agg(m.state), array_agg(m.change))
    FROM (SELECT array_agg(id) FILTER (WHERE state IN ('completed', 'failed', 'canceled', 'superseded')) AS ended,
                 array_agg(CASE state WHEN 'superseded' THEN 'failed' ELSE state END) FILTER (WHERE state IN ('completed', 'failed', 'canceled', 'superseded')) AS outcomes,
                 array_agg(id) FILTER (WHERE state NOT IN ('completed', 'failed', 'canceled', 'superseded')) AS reopened
          FROM jobs WHERE id = ANY (ARRAY(SELECT job_id FROM old_rows))) AS jobs_now,
         LATERAL (SELECT * FROM release_dependents(jobs_now.ended, jobs_now.outcomes) UNION ALL SELECT * FROM reblock_dependents(jobs_now.reopened)) AS m;
    RETURN NULL;
END $$;

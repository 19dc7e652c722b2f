-- Goes on with what was too much for one statement: whoever takes a row out of `tellings` tells the dependents of its job where that is
-- now. A job that is gone has told them when it went.
CREATE OR REPLACE FUNCTION tell_on() RETURNS trigger LANGUAGE plpgsql SET search_path = provost, pg_temp AS $$
BEGIN
    PERFORM FROM jobs j WHERE j.id = ANY (ARRAY(SELECT job_id FROM stale)) ORDER BY j.id FOR UPDATE;
    PERFORM count_steps(array_agg(m.workflow_id), array_agg(m.state), array_agg(m.d))
    FROM (SELECT array_agg(id) FILTER (WHERE state IN ('completed', 'failed', 'canceled')) AS ended,
                 array_agg(state) FILTER (WHERE state IN ('completed', 'failed', 'canceled')) AS outcomes,
                 array_agg(id) FILTER (WHERE state NOT IN ('completed', 'failed', 'canceled')) AS risen
          FROM jobs WHERE id = ANY (ARRAY(SELECT job_id FROM stale))) AS told,
         LATERAL (SELECT * FROM tell_dependents(told.ended, told.outcomes) UNION ALL SELECT * FROM recall_dependents(told.risen)) AS m;
    RETURN NULL;
END $$;

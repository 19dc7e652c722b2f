-- What is gone waits for nobody, and will not be completed any more; and nobody can ask how it was tried, or what it wrote.
CREATE OR REPLACE FUNCTION follow_gone_jobs() RETURNS trigger LANGUAGE plpgsql SET search_path = provost, pg_temp AS $$
BEGIN
    DELETE FROM past_executions WHERE job_id = ANY (ARRAY(SELECT id FROM stale));
    DELETE FROM execution_logs WHERE job_id = ANY (ARRAY(SELECT id FROM stale));
    IF EXISTS (SELECT FROM stale WHERE has_dependencies) THEN
        DELETE FROM job_dependencies WHERE job_id = ANY (ARRAY(SELECT id FROM stale WHERE has_dependencies));
    END IF;
    IF EXISTS (SELECT FROM stale WHERE state <> 'completed') THEN
        PERFORM count_steps(array_agg(m.workflow_id), array_agg(m.state), array_agg(m.d))
        FROM (SELECT array_agg(id) AS ids, array_agg('canceled'::text) AS outcomes FROM stale WHERE state <> 'completed') AS gone,
             LATERAL tell_dependents(gone.ids, gone.outcomes) AS m;
    END IF;
    RETURN NULL;
END $$;

-- Deletes what belongs to deleted jobs: attempts, logs and dependencies. Dependents of a job that was not completed can never
-- run, so they are treated as if it was canceled.
CREATE OR REPLACE FUNCTION propagate_deleted_jobs() RETURNS trigger LANGUAGE plpgsql SET search_path = provost, pg_temp AS $$
BEGIN
    DELETE FROM past_executions WHERE job_id = ANY (ARRAY(SELECT id FROM old_rows));
    DELETE FROM execution_logs WHERE job_id = ANY (ARRAY(SELECT id FROM old_rows));
    IF EXISTS (SELECT FROM old_rows WHERE project_id IS NOT NULL) THEN
        DELETE FROM steps WHERE job_id = ANY (ARRAY(SELECT id FROM old_rows WHERE project_id IS NOT NULL));
    END IF;
    IF EXISTS (SELECT FROM old_rows WHERE has_dependencies) THEN
        DELETE FROM job_dependencies WHERE job_id = ANY (ARRAY(SELECT id FROM old_rows WHERE has_dependencies));
    END IF;
    IF EXISTS (SELECT FROM old_rows WHERE state <> 'completed') THEN
        PERFORM count_steps(array_agg(m.workflow_id), array_agg(m.state), array_agg(m.change))
        FROM (SELECT array_agg(id) AS ids, array_agg('canceled'::text) AS outcomes FROM old_rows WHERE state <> 'completed') AS gone,
             LATERAL release_dependents(gone.ids, gone.outcomes) AS m;
    END IF;
    RETURN NULL;
END $$;

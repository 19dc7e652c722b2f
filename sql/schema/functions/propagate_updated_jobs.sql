-- Releases or blocks the dependents of jobs that ended or were reopened, and updates the counts of workflows. Claims, heartbeats
-- and retries return at the first check.
CREATE OR REPLACE FUNCTION propagate_updated_jobs() RETURNS trigger LANGUAGE plpgsql SET search_path = provost, pg_temp AS $$
DECLARE
    ended    uuid[];
    outcomes text[];
    reopened uuid[];
BEGIN
    IF NOT EXISTS (SELECT FROM new_rows WHERE state IN ('completed', 'failed', 'canceled') OR state = 'blocked' AND workflow_id IS NOT NULL)
       AND NOT EXISTS (SELECT FROM old_rows WHERE state IN ('completed', 'failed', 'canceled') OR state = 'blocked' AND workflow_id IS NOT NULL) THEN
        RETURN NULL;
    END IF;
    SELECT array_agg(id), array_agg(state) INTO ended, outcomes FROM new_rows WHERE state IN ('completed', 'failed', 'canceled');
    IF NOT EXISTS (SELECT FROM unnest(ended) AS job (id) JOIN job_dependencies e ON e.depends_on = job.id) THEN
        ended := NULL;
    END IF;
    IF EXISTS (SELECT FROM old_rows WHERE state IN ('failed', 'canceled')) THEN
        SELECT array_agg(f.id) INTO reopened FROM new_rows f JOIN old_rows s USING (id)
        WHERE s.state IN ('failed', 'canceled') AND f.state NOT IN ('completed', 'failed', 'canceled', 'superseded');
    END IF;
    IF ended IS NULL AND reopened IS NULL AND NOT EXISTS (SELECT FROM new_rows WHERE workflow_id IS NOT NULL) THEN
        RETURN NULL;
    END IF;

    PERFORM count_steps(array_agg(m.workflow_id), array_agg(m.state), array_agg(m.change))
    FROM (SELECT workflow_id, state, -1 AS change FROM old_rows UNION ALL SELECT workflow_id, state, 1 FROM new_rows
          UNION ALL SELECT * FROM release_dependents(ended, outcomes) UNION ALL SELECT * FROM reblock_dependents(reopened)) AS m
    WHERE m.workflow_id IS NOT NULL;
    RETURN NULL;
END $$;

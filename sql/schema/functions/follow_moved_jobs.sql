-- As in V7. Claims, heartbeats and retries end nothing and count for no workflow, so they leave at once.
CREATE OR REPLACE FUNCTION follow_moved_jobs() RETURNS trigger LANGUAGE plpgsql SET search_path = provost, pg_temp AS $$
DECLARE
    ended    uuid[];
    outcomes text[];
    risen    uuid[];
BEGIN
    IF NOT EXISTS (SELECT FROM fresh WHERE state IN ('completed', 'failed', 'canceled') OR state = 'blocked' AND workflow_id IS NOT NULL)
       AND NOT EXISTS (SELECT FROM stale WHERE state IN ('completed', 'failed', 'canceled') OR state = 'blocked' AND workflow_id IS NOT NULL) THEN
        RETURN NULL;
    END IF;
    SELECT array_agg(id), array_agg(state) INTO ended, outcomes FROM fresh WHERE state IN ('completed', 'failed', 'canceled');
    IF NOT EXISTS (SELECT FROM job_dependencies e WHERE e.depends_on = ANY (ended)) THEN
        ended := NULL;
    END IF;
    IF EXISTS (SELECT FROM stale WHERE state IN ('failed', 'canceled')) THEN
        SELECT array_agg(f.id) INTO risen FROM fresh f JOIN stale s USING (id)
        WHERE s.state IN ('failed', 'canceled') AND f.state NOT IN ('completed', 'failed', 'canceled');
    END IF;
    IF ended IS NULL AND risen IS NULL AND NOT EXISTS (SELECT FROM fresh WHERE workflow_id IS NOT NULL) THEN
        RETURN NULL;
    END IF;

    PERFORM count_steps(array_agg(m.workflow_id), array_agg(m.state), array_agg(m.d))
    FROM (SELECT workflow_id, state, -1 AS d FROM stale UNION ALL SELECT workflow_id, state, 1 FROM fresh
          UNION ALL SELECT * FROM tell_dependents(ended, outcomes) UNION ALL SELECT * FROM recall_dependents(risen)) AS m
    WHERE m.workflow_id IS NOT NULL;
    RETURN NULL;
END $$;

-- Finds the project with this name that is not deleted, or creates it. Calls for the same name wait for each other. `project` is null
-- if several projects have the name; `matches` says how many.
CREATE OR REPLACE FUNCTION find_or_submit_project(
    new_id uuid, new_job_id uuid, name text, template text, parameters text, labels text, tenant text, queue text, priority smallint,
    deadline double precision, timeout double precision, expires_at timestamptz, max_attempts integer, actor text, request_id text,
    notify boolean
) RETURNS TABLE (matches bigint, is_new boolean, project projects)
LANGUAGE plpgsql SET search_path = provost, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    n bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('provost project name ' || name, 0));
    SELECT count(*) INTO n FROM projects p WHERE p.name = name AND p.status <> 'deleted';
    IF n = 0 THEN
        RETURN QUERY SELECT n, true, s.project
        FROM submit_project(new_id, new_job_id, name, template, parameters, labels, tenant, queue, priority, deadline, timeout, expires_at,
                            max_attempts, actor, request_id, notify, NULL, NULL) AS s;
    ELSIF n = 1 THEN
        RETURN QUERY SELECT n, false, p FROM projects p WHERE p.name = name AND p.status <> 'deleted';
    ELSE
        RETURN QUERY SELECT n, false, NULL::projects;
    END IF;
END $$;

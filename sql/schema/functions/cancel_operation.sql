-- Cancels the current operation of a project. Locks its job, then the project. `outcome` is requested, rejected or stale; a second
-- request changes nothing. Returns no row without such a project.
CREATE OR REPLACE FUNCTION cancel_operation(
    project uuid, actor text, reason text, request_id text, notify boolean, expected_versions bigint[]
) RETURNS TABLE (previous_status text, previous_version bigint, outcome text)
LANGUAGE plpgsql SET search_path = provost, pg_temp AS $$
#variable_conflict use_column
DECLARE
    current projects := lock_project(project);
    result  text;
BEGIN
    IF current.id IS NULL THEN
        RETURN;
    END IF;
    result := CASE WHEN current.version <> ALL (expected_versions) THEN 'stale'
                   WHEN current.deadline_at IS NULL THEN 'rejected'
                   WHEN current.stop_request IS NOT NULL THEN 'unchanged'
                   ELSE 'requested' END;
    IF result = 'requested' THEN
        PERFORM stop_operation(current, 'cancel', actor, reason, request_id, clock_timestamp());
        IF notify THEN
            PERFORM pg_notify('provost', current.queue);
        END IF;
    END IF;
    RETURN QUERY SELECT current.status, current.version, result;
END $$;

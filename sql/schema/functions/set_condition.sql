-- Sets a condition of a project. A change of its status is an event; a first status that is true is none. What has not changed is not
-- written again.
CREATE OR REPLACE FUNCTION set_condition(
    project uuid, condition text, new_status text, reason text, message text, actor text, at timestamptz
) RETURNS void LANGUAGE plpgsql SET search_path = provost, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    previous conditions;
BEGIN
    SELECT * INTO previous FROM conditions c WHERE c.project_id = project AND c.type = condition;
    IF (previous.status, previous.reason, previous.message) = (new_status, reason, message) THEN
        RETURN;
    END IF;
    INSERT INTO conditions AS c (project_id, type, status, reason, message, since)
    VALUES (project, condition, new_status, reason, message, at)
    ON CONFLICT (project_id, type) DO UPDATE
    SET status = excluded.status, reason = excluded.reason, message = excluded.message,
        since = CASE WHEN c.status = excluded.status THEN c.since ELSE excluded.since END;
    IF coalesce(previous.status, 'true') <> new_status THEN
        INSERT INTO events (entity, entity_id, previous_state, new_state, reason, actor, occurred_at, detail)
        SELECT 'project', p.id, p.status, p.status, format('condition %s is %s: %s', condition, new_status, message), actor, at,
               json_build_object('condition', condition, 'before', previous.status, 'after', new_status, 'reason', reason)
        FROM projects p WHERE p.id = project;
    END IF;
END $$;

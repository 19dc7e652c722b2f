-- Takes up what belongs to no project: `adopt` makes it a project again, `quarantine` takes it out of service and removes it after a
-- grace time, `remove` removes it. All three are operations on the project that the mark names; its row is written again if it is
-- gone. `outcome` is started, missing (no such finding) or rejected (not an orphan, or the project exists by now).
CREATE OR REPLACE FUNCTION act_on_orphan(
    finding uuid, verb text, new_job_id uuid, name text, template text, timeout double precision, max_attempts integer,
    grace double precision, actor text, reason text, request_id text, notify boolean
) RETURNS TABLE (outcome text, project_id uuid) LANGUAGE plpgsql SET search_path = provost, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    orphan   findings;
    previous projects;
    at       timestamptz := clock_timestamp();
    sentence text := concat_ws(': ', 'found as an orphan', reason);
    latest   integer := coalesce((SELECT max(t.version) FROM templates t WHERE t.name = template), 1);
BEGIN
    SELECT * INTO orphan FROM findings f WHERE f.id = finding FOR UPDATE;
    IF orphan.id IS NULL THEN
        RETURN QUERY SELECT 'missing', NULL::uuid;
        RETURN;
    END IF;
    previous := lock_project(orphan.project_id);
    IF orphan.kind <> 'orphaned' OR previous.status <> 'deleted' THEN
        RETURN QUERY SELECT 'rejected', orphan.project_id;
        RETURN;
    END IF;
    IF previous.id IS NULL THEN
        INSERT INTO projects (id, status, name, error_reason, template, template_version, queue, parameters, labels, operation, was_ready, requested_at, created_at, updated_at)
        VALUES (orphan.project_id, 'failed', coalesce(name, orphan.object), sentence, template, latest, queue_of_template(template, latest),
                '{}', '{}', 'adopt', true, at, at, at);
    ELSE
        UPDATE projects p
        -- What exists may be somebody's data: it is never undone.
        SET status = 'failed', error_reason = sentence, operation = 'adopt', was_ready = true, name = coalesce(name, p.name), is_protected = false,
            expires_at = NULL, version = p.version + 1, updated_at = at
        WHERE p.id = orphan.project_id;
    END IF;
    INSERT INTO events (entity, entity_id, previous_state, new_state, reason, actor, request_id, occurred_at)
    VALUES ('project', orphan.project_id, coalesce(previous.status, 'none'), 'failed', sentence, actor, request_id, at);
    -- Operations work only in the cluster that the project is recorded for.
    INSERT INTO outputs (project_id, name, value)
    SELECT orphan.project_id, o.key, o.value FROM json_each(orphan.known) AS o
    ON CONFLICT ON CONSTRAINT outputs_pkey DO UPDATE SET value = excluded.value;
    DELETE FROM findings f WHERE f.project_id = orphan.project_id AND f.kind = 'orphaned';
    PERFORM begin_project_operation(CASE verb WHEN 'adopt' THEN 'retry' ELSE 'delete' END, orphan.project_id, new_job_id, timeout, max_attempts,
                                    actor, reason, request_id, notify, NULL, NULL, CASE verb WHEN 'remove' THEN 0 ELSE grace END);
    RETURN QUERY SELECT 'started', orphan.project_id;
END $$;

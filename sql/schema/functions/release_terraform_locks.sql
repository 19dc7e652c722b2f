-- Removes the locks of attempts that ended without unlocking: the program failed, the worker was lost, or the operation was ended.
CREATE OR REPLACE FUNCTION release_terraform_locks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Attempts end all the time, and hardly any holds a lock.
    IF NOT EXISTS (SELECT FROM provost.terraform_locks WHERE execution_id IS NOT NULL) THEN
        RETURN NULL;
    END IF;
    WITH released AS (
        DELETE FROM provost.terraform_locks l USING new_rows n WHERE l.execution_id = n.id
        RETURNING l.project_id, l.lock_id, n.id, n.job_id, n.worker_id, n.outcome, n.ended_at
    )
    INSERT INTO provost.events (entity, entity_id, previous_state, new_state, reason, actor, job_id, execution_id, occurred_at, detail)
    SELECT 'project', p.id, p.status, p.status,
           CASE r.outcome
               WHEN 'lease_expired' THEN format('Terraform state unlocked because the worker of execution %s was lost', r.id)
               ELSE format('Terraform state unlocked because execution %s ended: %s', r.id, r.outcome) END,
           r.worker_id, r.job_id, r.id, r.ended_at, json_build_object('lock', r.lock_id)
    FROM released r JOIN provost.projects p ON p.id = r.project_id;
    RETURN NULL;
END $$;

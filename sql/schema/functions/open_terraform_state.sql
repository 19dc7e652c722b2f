-- What a change of the Terraform state of a project begins with: whether the caller may use the state, the project, the lock of the state
-- and its newest version; null where there is none. Locks the job of the attempt, then the project.
CREATE OR REPLACE FUNCTION open_terraform_state(
    project uuid, execution uuid, OUT may_use boolean, OUT owner projects, OUT held terraform_locks, OUT latest terraform_states
) LANGUAGE plpgsql SET search_path = provost, pg_temp AS $$
BEGIN
    may_use := may_use_terraform_state(project, execution);
    SELECT * INTO owner FROM projects p WHERE p.id = project FOR NO KEY UPDATE;
    SELECT * INTO held FROM terraform_locks l WHERE l.project_id = project;
    SELECT * INTO latest FROM terraform_states s WHERE s.project_id = project ORDER BY s.version DESC LIMIT 1;
END $$;

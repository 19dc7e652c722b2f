-- List the versions of the state of a project, newest first.
-- $1 project  $2 max rows
SELECT version, secret_id IS NULL AS is_deleted, serial, lineage, bytes, actor, execution_id, created_at
FROM terraform_states WHERE project_id = $1 ORDER BY version DESC LIMIT $2

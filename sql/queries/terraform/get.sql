-- Get a version of the state of a project, encrypted. No row if that version was deleted or does not exist.
-- $1 project  $2 version, or null for the newest
SELECT s.project_id, s.name, s.key_id, s.wrapped_key, s.ciphertext
FROM terraform_states t JOIN secrets s ON s.id = t.secret_id
WHERE t.project_id = $1
  AND t.version = coalesce($2::integer, (SELECT max(n.version) FROM terraform_states n WHERE n.project_id = $1))

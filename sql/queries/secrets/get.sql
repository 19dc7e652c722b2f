-- Get a secret of a project, encrypted.
-- $1 project  $2 name
SELECT project_id, name, key_id, wrapped_key, ciphertext FROM secrets WHERE project_id = $1 AND name = $2

-- Get a secret of the project whose job an attempt holds, encrypted.
-- $1 job  $2 execution  $3 name
SELECT s.project_id, s.name, s.key_id, s.wrapped_key, s.ciphertext
FROM jobs j JOIN secrets s ON s.project_id = j.project_id AND s.name = $3
WHERE j.id = $1 AND j.execution_id = $2 AND j.state = 'active'

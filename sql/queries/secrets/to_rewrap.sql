-- List secrets that another key than the current one encrypts, in the order of their ids.
-- $1 id of the current key  $2 only after this id, or null  $3 max rows
SELECT id, project_id, name, key_id, wrapped_key, ciphertext FROM secrets
WHERE key_id <> $1 AND ($2::uuid IS NULL OR id > $2)
ORDER BY id LIMIT $3

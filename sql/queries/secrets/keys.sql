-- Count the secrets by the key that encrypts them.
SELECT key_id, count(*) AS secrets FROM secrets GROUP BY key_id ORDER BY count(*) DESC, key_id

-- Replace the wrapped keys of secrets. One that has changed since it was read stays as it is.
-- $1 id of the new key  $2 ids  $3 wrapped keys as they were read  $4 new wrapped keys
WITH changed AS (
    UPDATE secrets s SET key_id = $1, wrapped_key = r.new
    FROM unnest($2::uuid[], $3::bytea[], $4::bytea[]) AS r (id, old, new)
    WHERE s.id = r.id AND s.wrapped_key = r.old
    RETURNING s.id
)
SELECT count(*) AS n FROM changed

-- The statement that revokes in this database what was granted to a role, and drops what it owns.
-- $1 role
SELECT format('DROP OWNED BY %I', $1::text) AS statement

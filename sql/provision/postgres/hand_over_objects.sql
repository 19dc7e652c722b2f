-- The statement that gives what the roles of the source own in a copy to its owner role. It would also move databases, so nothing happens
-- while one of these roles owns one.
-- $1 prefix of the roles of the source  $2 owner role
WITH source AS (
    SELECT r.oid, r.rolname FROM pg_roles r WHERE starts_with(r.rolname, $1::text)
)
SELECT format('REASSIGN OWNED BY %s TO %I', string_agg(quote_ident(s.rolname), ', '), $2::text) AS statement
FROM source s
HAVING count(*) > 0 AND NOT EXISTS (SELECT FROM pg_database d JOIN source s ON s.oid = d.datdba)

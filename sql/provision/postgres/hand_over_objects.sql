-- The statements that give what the roles of the source own in a copy to its owner role, and put that role in their place in policies.
-- REASSIGN OWNED would also move databases, so nothing happens while one of these roles owns one.
-- $1 prefix of the roles of the source  $2 owner role
WITH source AS (
    SELECT r.oid, r.rolname FROM pg_roles r WHERE starts_with(r.rolname, $1::text)
)
SELECT format('REASSIGN OWNED BY %s TO %I', string_agg(quote_ident(s.rolname), ', '), $2::text) AS statement
FROM source s
HAVING count(*) > 0 AND NOT EXISTS (SELECT FROM pg_database d JOIN source s ON s.oid = d.datdba)
UNION ALL
SELECT format('ALTER POLICY %I ON %s TO %s', p.polname, p.polrelid::regclass,
              (SELECT string_agg(DISTINCT CASE WHEN m.oid = 0 THEN 'PUBLIC' WHEN s.oid IS NOT NULL THEN quote_ident($2) ELSE quote_ident(pg_get_userbyid(m.oid)) END, ', ')
               FROM unnest(p.polroles) AS m (oid) LEFT JOIN source s ON s.oid = m.oid))
FROM pg_policy p WHERE EXISTS (SELECT FROM source s WHERE s.oid = ANY (p.polroles))

-- The statements that put the owner role of a copy in the place of the roles of the source in policies, at most 500: each takes locks
-- until the transaction ends.
-- $1 prefix of the roles of the source  $2 owner role
WITH source AS (
    SELECT r.oid, r.rolname FROM pg_roles r WHERE starts_with(r.rolname, $1::text)
)
SELECT format('ALTER POLICY %I ON %s TO %s', p.polname, p.polrelid::regclass,
              (SELECT string_agg(DISTINCT CASE WHEN m.oid = 0 THEN 'PUBLIC' WHEN s.oid IS NOT NULL THEN quote_ident($2::text) ELSE quote_ident(pg_get_userbyid(m.oid)) END, ', ')
               FROM unnest(p.polroles) AS m (oid) LEFT JOIN source s ON s.oid = m.oid)) AS statement
FROM pg_policy p WHERE EXISTS (SELECT FROM source s WHERE s.oid = ANY (p.polroles))
LIMIT 500

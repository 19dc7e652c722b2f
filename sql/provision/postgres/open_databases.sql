-- The databases that PUBLIC may connect to, although this login could forbid that, as statements that forbid it.
SELECT format('REVOKE CONNECT, TEMPORARY ON DATABASE %I FROM PUBLIC', d.datname) AS statement
FROM pg_database d JOIN pg_roles me ON me.rolname = current_user
WHERE d.datallowconn AND d.datconnlimit <> -2
  AND (me.rolsuper OR pg_has_role(d.datdba, 'USAGE'))
  AND EXISTS (SELECT FROM aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) AS a WHERE a.grantee = 0 AND a.privilege_type IN ('CONNECT', 'TEMPORARY'))
ORDER BY d.datname

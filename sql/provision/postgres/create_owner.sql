-- The statements that create the role that owns everything in a database. Nobody logs in as this role. The admin becomes a member:
-- without that, an admin that is no superuser could not give anything to the role.
-- $1 role  $2 marker
SELECT format('CREATE ROLE %I NOLOGIN', $1::text) AS statement
UNION ALL SELECT format('COMMENT ON ROLE %I IS %L', $1, $2::text)
UNION ALL SELECT format('GRANT %I TO %I', $1, current_user)
               || CASE WHEN current_setting('server_version_num')::integer >= 160000 THEN ' WITH SET TRUE, INHERIT TRUE' ELSE '' END

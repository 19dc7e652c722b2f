-- The statements that repair the marker and the membership of a role that was created halfway.
-- $1 role  $2 marker
SELECT format('COMMENT ON ROLE %I IS %L', $1::text, $2::text) AS statement
UNION ALL SELECT format('GRANT %I TO %I', $1, current_user)
               || CASE WHEN current_setting('server_version_num')::integer >= 160000 THEN ' WITH SET TRUE, INHERIT TRUE' ELSE '' END

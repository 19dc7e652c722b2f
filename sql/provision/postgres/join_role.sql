-- The statements that mark a role as ours and make the admin a member. An admin that is no superuser could otherwise neither give
-- anything to the role nor end its sessions.
-- $1 role  $2 marker
SELECT format('COMMENT ON ROLE %I IS %L', $1::text, $2::text) AS statement
UNION ALL SELECT format('GRANT %I TO %I', $1, current_user)
               || CASE WHEN current_setting('server_version_num')::integer >= 160000 THEN ' WITH SET TRUE, INHERIT TRUE' ELSE '' END

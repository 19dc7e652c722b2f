-- Whether the time of expiry of a project leads to its deletion.
CREATE OR REPLACE FUNCTION may_expire(status text, is_protected boolean, stop_request text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
SELECT status NOT IN ('deleting', 'pending_deletion', 'restoring', 'deleted') AND NOT is_protected AND stop_request IS DISTINCT FROM 'delete'
$$;

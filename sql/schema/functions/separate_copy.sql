-- Gives this database an installation id of its own, for a copy whose original goes on. Returns the id. The payloads of operations
-- name the installation, and those that wait, or that are queued again, would work on what the original has made.
CREATE OR REPLACE FUNCTION separate_copy() RETURNS uuid LANGUAGE plpgsql SET search_path = provost, pg_temp AS $$
DECLARE
    previous uuid;
    own      uuid := gen_random_uuid();
BEGIN
    SELECT i.id INTO STRICT previous FROM installation i FOR UPDATE;
    UPDATE installation SET id = own;
    UPDATE jobs j SET payload = replace(j.payload::text, previous::text, own::text)::json WHERE j.project_id IS NOT NULL;
    RETURN own;
END $$;

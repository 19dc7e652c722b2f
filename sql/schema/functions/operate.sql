CREATE OR REPLACE FUNCTION operate(verb text, project uuid, reason text, deadline interval, max_attempts integer, actor text)
RETURNS uuid LANGUAGE plpgsql SET search_path = provost, pg_temp AS $$
DECLARE
    job    uuid := uuid_v7();
    answer record;
BEGIN
    SELECT * INTO answer
    FROM begin_operation(verb, project, job, extract(epoch FROM deadline)::float8, max_attempts, actor, reason, NULL, true, NULL);
    IF answer IS NULL THEN
        RAISE EXCEPTION 'there is no project %', project USING ERRCODE = 'PV004';
    ELSIF NOT answer.moved THEN
        RAISE EXCEPTION 'project % is %: no % from there', project, answer.was, verb USING ERRCODE = 'PV003';
    END IF;
    RETURN job;
END $$;

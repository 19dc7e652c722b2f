-- Rejects a transition. The condition of the trigger decides which.
CREATE OR REPLACE FUNCTION reject_illegal_job_transition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'job %: no transition from % to %', OLD.id, OLD.state, NEW.state USING ERRCODE = 'check_violation';
END $$;

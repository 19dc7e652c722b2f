-- The last wall, as before: no job makes a move that the diagram does not have. The condition is judged without a call,
-- so a legal move pays next to nothing.
CREATE OR REPLACE FUNCTION refuse_illegal_job_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'job %: no move from % to %', OLD.id, OLD.state, NEW.state USING ERRCODE = 'check_violation';
END $$;

-- The last wall: whatever statement is written later, no project makes a move that the diagram does not have.
CREATE OR REPLACE FUNCTION refuse_illegal_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.status, NEW.status) NOT IN (
        ('creating', 'provisioning'), ('creating', 'failed'),
        ('provisioning', 'ready'), ('provisioning', 'failed'),
        ('failed', 'creating'),
        ('ready', 'deleting'), ('failed', 'deleting'),
        ('deleting', 'deleted'), ('deleting', 'failed')
    ) THEN
        RAISE EXCEPTION 'project %: no move from % to %', OLD.id, OLD.status, NEW.status USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

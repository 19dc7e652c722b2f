-- Rejects every transition that the state diagram of projects does not have.
CREATE OR REPLACE FUNCTION reject_illegal_project_transition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.status, NEW.status) NOT IN (
        ('creating', 'provisioning'), ('creating', 'failed'),
        ('provisioning', 'ready'), ('provisioning', 'failed'),
        ('failed', 'creating'),
        ('ready', 'updating'), ('updating', 'ready'),
        ('ready', 'pausing'), ('pausing', 'paused'), ('pausing', 'ready'), ('pausing', 'resuming'),
        ('paused', 'resuming'), ('resuming', 'ready'), ('resuming', 'paused'),
        ('deleting', 'deleted'), ('deleting', 'failed'),
        ('deleting', 'pending_deletion'), ('deleting', 'ready'), ('deleting', 'paused'), ('deleting', 'restoring'),
        ('pending_deletion', 'restoring'),
        ('restoring', 'ready'), ('restoring', 'paused'), ('restoring', 'failed'), ('restoring', 'pending_deletion'),
        ('deleted', 'failed')
    ) AND (NEW.status <> 'deleting' OR OLD.status = 'deleted') THEN
        RAISE EXCEPTION 'project %: no transition from % to %', OLD.id, OLD.status, NEW.status USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

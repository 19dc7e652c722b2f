-- Triggers on jobs. Statement triggers run in order of their names: dependents and workflows first, then counters.

-- No statement can make a transition that the state diagram does not have. The condition needs no function call, so a legal
-- transition costs almost nothing.
CREATE TRIGGER check_transition BEFORE UPDATE OF state ON jobs FOR EACH ROW WHEN (
    OLD.state <> NEW.state AND NOT CASE OLD.state
        WHEN 'active' THEN NEW.state IN ('completed', 'retrying', 'failed', 'canceled', 'queued', 'scheduled')
        WHEN 'completed' THEN false
        WHEN 'superseded' THEN false
        WHEN 'canceled' THEN NEW.state = 'blocked' AND OLD.canceled_by IS NOT NULL
        WHEN 'failed' THEN NEW.state IN ('queued', 'blocked', 'superseded')
        WHEN 'blocked' THEN NEW.state IN ('queued', 'scheduled', 'canceled', 'failed')
        ELSE NEW.state IN ('active', 'queued', 'canceled', 'failed')
    END
) EXECUTE FUNCTION reject_illegal_job_transition();

-- Not for updates made by the trigger itself: its functions loop over further levels of dependents instead of recursing.
CREATE TRIGGER propagate_update AFTER UPDATE ON jobs REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION propagate_updated_jobs();
CREATE TRIGGER propagate_delete AFTER DELETE ON jobs REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION propagate_deleted_jobs();

CREATE TRIGGER track_insert AFTER INSERT ON jobs REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION track_inserted_jobs();
CREATE TRIGGER track_update AFTER UPDATE ON jobs REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION track_updated_jobs();
CREATE TRIGGER track_delete AFTER DELETE ON jobs REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION track_deleted_jobs();

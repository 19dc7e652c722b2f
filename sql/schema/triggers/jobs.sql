-- Triggers on jobs. Statement triggers run in order of their names: dependents and workflows first, then counters.

-- No statement can make a transition that the state diagram does not have. The condition needs no function call, so a legal
-- transition costs almost nothing.
CREATE TRIGGER legal_moves BEFORE UPDATE OF state ON jobs FOR EACH ROW WHEN (
    OLD.state <> NEW.state AND NOT CASE OLD.state
        WHEN 'active' THEN NEW.state IN ('completed', 'retrying', 'failed', 'canceled', 'queued', 'scheduled')
        WHEN 'completed' THEN false
        WHEN 'canceled' THEN NEW.state = 'blocked' AND OLD.doomed_by IS NOT NULL
        WHEN 'failed' THEN NEW.state IN ('queued', 'blocked')
        WHEN 'blocked' THEN NEW.state IN ('queued', 'scheduled', 'canceled', 'failed')
        ELSE NEW.state IN ('active', 'queued', 'canceled', 'failed')
    END
) EXECUTE FUNCTION refuse_illegal_job_move();

-- Not for updates made by the trigger itself: its functions loop over further levels of dependents instead of recursing.
CREATE TRIGGER follow_update AFTER UPDATE ON jobs REFERENCING OLD TABLE AS stale NEW TABLE AS fresh
    FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION follow_moved_jobs();
CREATE TRIGGER follow_delete AFTER DELETE ON jobs REFERENCING OLD TABLE AS stale
    FOR EACH STATEMENT EXECUTE FUNCTION follow_gone_jobs();

CREATE TRIGGER tally_insert AFTER INSERT ON jobs REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION tally_new_jobs();
CREATE TRIGGER tally_update AFTER UPDATE ON jobs REFERENCING OLD TABLE AS stale NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION tally_moved_jobs();
CREATE TRIGGER tally_delete AFTER DELETE ON jobs REFERENCING OLD TABLE AS stale
    FOR EACH STATEMENT EXECUTE FUNCTION tally_gone_jobs();

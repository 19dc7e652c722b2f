-- No statement can make a transition that the state diagram does not have.
CREATE TRIGGER legal_moves BEFORE UPDATE OF status ON projects
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION refuse_illegal_move();

CREATE TRIGGER tally_insert AFTER INSERT ON projects REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION tally_new_projects();
CREATE TRIGGER tally_update AFTER UPDATE ON projects REFERENCING OLD TABLE AS stale NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION tally_moved_projects();
CREATE TRIGGER tally_delete AFTER DELETE ON projects REFERENCING OLD TABLE AS stale
    FOR EACH STATEMENT EXECUTE FUNCTION tally_gone_projects();

-- Deleting rows of pending_releases continues the releases that they stand for.
CREATE TRIGGER continue_releases AFTER DELETE ON pending_releases REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION continue_releases();

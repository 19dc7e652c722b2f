-- Deleting rows of tellings continues the releases that they stand for.
CREATE TRIGGER tell_on AFTER DELETE ON tellings REFERENCING OLD TABLE AS stale
    FOR EACH STATEMENT EXECUTE FUNCTION tell_on();

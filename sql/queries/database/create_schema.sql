-- Make the room that everything of ours lives in.
CREATE SCHEMA provost

-- Create the schema that holds all objects of this program, so that it can share a database with an application.
CREATE SCHEMA provost

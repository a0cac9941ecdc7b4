DROP VIEW compatibility;

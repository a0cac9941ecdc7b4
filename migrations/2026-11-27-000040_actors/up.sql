-- Who made a revision: the names of the callers, each on a line. Blank: made before there were names.
ALTER TABLE revisions ADD COLUMN actors text NOT NULL DEFAULT '';

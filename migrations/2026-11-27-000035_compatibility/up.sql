-- The oldest migration whose programs can serve these tables: during an upgrade the servers of the
-- version before go on, and can start again, and an upgrade can be taken back. A migration after which
-- they cannot replaces this view. It is one that changes or drops what they use, or adds a column that
-- needs a value.
CREATE VIEW compatibility AS SELECT '20261127000035'::text AS oldest_served_migration;
